import LaunchMeasurement
import Release

/// Measured values for people: what is constant once, what varies by its axes.
struct MeasurementText {
    let platforms: [MeasuredPlatform]
    /// Points of a platform beyond which only the first and last of each run are shown.
    private static let shown = 6

    init(_ platforms: [MeasuredPlatform]) { self.platforms = platforms }

    var text: String { platforms.map(describe).joined(separator: "\n") }

    private func describe(_ platform: MeasuredPlatform) -> String {
        var lines = [platform.folder.profile.name]
        let points = platform.measurements
        guard let first = points.first else { return lines[0] + "\n" }
        let shared = first.registers.filter { register in points.allSatisfy { $0.registers.contains(register) } }
        lines += shared.map { "  \($0.name) \($0.digest)" }
        let varying = points.map { point in (point.axes, point.registers.filter { !shared.contains($0) }) }
        guard shared.count < first.registers.count else { return lines.map { $0 + "\n" }.joined() }
        for (index, point) in varying.enumerated() {
            if varying.count > Self.shown, index > 1, index < varying.count - 2 {
                if index == 2 { lines.append("  … \(varying.count - 4) more points in measurements/") }
                continue
            }
            let label = point.0.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
            lines += point.1.map { "  \(label): \($0.name) \($0.digest)" }
        }
        return lines.map { $0 + "\n" }.joined()
    }
}
