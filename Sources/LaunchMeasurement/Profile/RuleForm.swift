import Documents

/// One rule of a TEE's profiles by name, with the form of its value.
struct RuleForm {
    var name: String
    var value: JSONSchema

    var schema: JSONSchema {
        .object([
            ("name", .constant(name)), ("value", value), ("origin", .text("Where it was learnt.")),
            ("confidence", .choice(ProfileRule.Confidence.self)),
        ])
    }

    private static func number(_ names: String...) -> [RuleForm] {
        names.map { RuleForm(name: $0, value: .number(0...(1 << 53) - 1)) }
    }

    private static func choice<Choice: RawRepresentable & CaseIterable>(_ name: String, _ type: Choice.Type)
        -> [RuleForm]
    where Choice.RawValue == String {
        [RuleForm(name: name, value: .choice(type))]
    }

    /// Every rule that a profile of this TEE has or may have.
    static func all(of tee: TEE) -> [RuleForm] {
        switch tee {
        case .snp:
            number(
                "vmsa.cs.bsp", "vmsa.cs.ap", "vmsa.ss", "vmsa.tr", "vmsa.g_pat", "vmsa.mxcsr", "vmsa.x87_fcw",
                "vmsa.gpa")
                + [RuleForm(name: "vmsa.rdx", value: .any([.constant("signature"), .number(0...(1 << 53) - 1)]))]
                + choice("pages.sec_mem", VMMRules.SecMem.self) + choice("pages.cpuid", VMMRules.CPUIDPosition.self)
                + choice("igvm.zero_pages", IGVMRules.ZeroPages.self)
                + choice("igvm.placement", IGVMRules.Placement.self)
                + choice("igvm.parameters", IGVMRules.ParameterOrder.self)
        case .tdx:
            choice("tdx.pageOrder", MRTD.PageOrder.self) + choice("tdx.separator", TDXSection.Separator.self)
                + choice("tdx.fwcfg", EventRules.Presence.self)
                + choice("events.initrdWord", EventRules.InitrdWord.self) + events
        case .vtpm:
            [RuleForm(name: "stub.sections", value: .text("Names of sections in the order of measurement."))]
                + choice("stub.innerImage", StubRules.InnerImage.self) + choice("stub.initrd", StubRules.Initrd.self)
                + events
        }
    }

    private static var events: [RuleForm] {
        choice("events.variables", EventRules.Variables.self) + choice("events.secureBoot", SecureBootValue.self)
            + choice("events.acpi", EventRules.Presence.self) + choice("events.smbios", EventRules.TableOrder.self)
            + choice("events.exitBootServices", EventRules.ExitForms.self)
            + number("machine.mmconfig", "machine.mmio64")
    }
}
