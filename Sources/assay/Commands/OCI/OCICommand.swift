import ArgumentParser

/// `assay oci`: what an OCI image is made of, by digest.
struct OCICommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "oci",
        abstract: "Say what an OCI image is made of, by digest.",
        discussion: """
            IMAGE is a layout's directory or a tar archive of one, with or without a digest, or an image of a registry \
            by digest:

              assay oci layers app.oci
              assay oci layers ./app.tar@sha256:…
              assay oci layers registry.example/team/app@sha256:… --json

            A first part with a dot or a colon is a registry's host; a path that looks like that is written with ./ \
            first. Docker's image archives from before version 25 are no layouts; skopeo makes layouts of them.
            """,
        subcommands: [OCILayersCommand.self, OCITreeCommand.self])
}
