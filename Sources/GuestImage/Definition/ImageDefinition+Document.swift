private import Bytes
private import DiskFormats
public import Documents
private import Hashing

extension ImageDefinition {
    /// The decoded definition as a document, every default spelt out.
    public var document: Value {
        var members: [(String, Value)] = [
            ("name", .string(name)), ("version", .string(version)), ("summary", .string(summary)),
            ("architecture", .string(architecture.rawValue)), ("epoch", .count(Int(epoch))),
            ("archive", archive.document), ("kernel", .object([("package", .string(kernelPackage))])),
            ("stub", .object([("package", .string(stubPackage))])),
            ("root", .object(root.members + root.setup.members + root.edits.filters + root.edits.members)),
            ("initrd", initrd.document), ("commandLine", .strings(commandLine)),
        ]
        if let debug {
            let changes: [(String, Value)] = [
                ("commandLine", .strings(debug.commandLine)),
                ("root", .object(debug.root.filters + debug.root.members)),
                ("initrd", .object(debug.initrd.members)),
            ]
            members.append(("debug", .object(changes)))
        }
        return .object(members)
    }
}

extension ImageDefinition.Root {
    /// What is not an edit. Definitions from before there was compression keep their digest.
    fileprivate var members: [(String, Value)] {
        [("packages", .strings(packages))]
            + layerMembers + (compression == .none ? [] : [("compression", .string(compression.rawValue))])
    }
}

extension Value {
    static func strings(_ texts: [String]) -> Value { .array(of: texts.map { .string($0) }) }
}

extension ImageDefinition.Archive {
    fileprivate var document: Value {
        let suites = suites.map { suite -> Value in
            .object([("name", .string(suite.name)), ("components", .strings(suite.components))])
        }
        return .object(
            [("suites", .array(of: suites)), ("keys", .strings(keys)), ("provided", .strings(provided))]
                + (snapshot.map { [("snapshot", .string($0))] } ?? []))
    }
}

extension ImageDefinition.Initrd {
    fileprivate var document: Value {
        .object(
            [
                ("packages", .strings(packages)), ("programs", .strings(programs.map(\.description))),
                ("modules", .strings(modules)), ("optionalModules", .strings(optionalModules)),
            ] + (compression == .none ? [] : [("compression", .string(compression.rawValue))]) + edits.members)
    }
}

extension TreeEdits {
    fileprivate var filters: [(String, Value)] {
        [("exclude", .strings(exclude.map(\.text))), ("include", .strings(include.map(\.text)))]
    }

    fileprivate var members: [(String, Value)] {
        [
            ("directories", .array(of: directories.map(\.document))), ("files", .array(of: files.map(\.document))),
            ("links", .array(of: links.map(\.document))),
        ]
    }
}

/// Permission bits as people write them: four octal digits.
private func octal(_ mode: UInt16) -> Value {
    let digits = String(mode, radix: 8)
    return .string(String(repeating: "0", count: max(0, 4 - digits.count)) + digits)
}

extension TreeEdits.Directory {
    fileprivate var document: Value {
        .object([
            ("path", .string(path.description)), ("mode", octal(mode)), ("uid", .count(Int(uid))),
            ("gid", .count(Int(gid))),
        ])
    }
}

extension TreeEdits.File {
    fileprivate var document: Value {
        let origin: (String, Value) =
            switch source {
            case .overlay(let path): ("from", .string(path))
            case .download(let address, digest: _): ("url", .string(address))
            case .text(let text): ("text", .string(text))
            case .package(let path): ("copy", .string(path.description))
            }
        var members: [(String, Value)] = [
            ("path", .string(path.description)), origin, ("mode", octal(mode)), ("uid", .count(Int(uid))),
            ("gid", .count(Int(gid))),
        ]
        if case .download(_, let digest) = source { members.append(("sha256", .string(digest.hex))) }
        return .object(members)
    }
}

extension TreeEdits.Link {
    fileprivate var document: Value {
        .object([("path", .string(path.description)), ("to", .string(target))])
    }
}
