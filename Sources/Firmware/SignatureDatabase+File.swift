public import Bytes

extension SignatureDatabase {
    private static let pkcs7 = OVMFGuid.known(0x4aaf_d29d, 0x68df, 0x49ee, 0x8aa9_347d_3756_65a7)

    /// The value of a secure boot variable out of a file: signature lists as they are (`.esl`), a signed update (`.auth`:
    /// EFI_VARIABLE_AUTHENTICATION_2 in front; UEFI 2.10, section 8.2.2), or what Linux shows in efivarfs (u32 attributes in
    /// front). An empty file is an empty variable.
    public static func value(ofFile bytes: [UInt8], source: String) throws(FormatError) -> [UInt8] {
        var starts = [0]
        if let end = update(bytes) { starts.append(end) }
        // NV, BS and RT; time-based authenticated or not, appended or not.
        if bytes.count >= 4, bytes[1...3].allSatisfy({ $0 == 0 }), bytes[0] & 0x07 >= 0x06 { starts.append(4) }
        for start in starts {
            let value = Array(bytes[start...])
            let found = value.withReader(source: source) { reader in try? SignatureDatabase(parsing: &reader) }
            if found != nil { return value }
        }
        throw FormatError(
            source: source, field: "secure boot variable", found: "\(bytes.count) bytes that are none of its forms",
            expected: "EFI_SIGNATURE_LISTs, a signed update of them, or a file of efivarfs",
            hint: "a certificate alone lacks its owner: make a list of it with cert-to-efi-sig-list or virt-fw-sigdb")
    }

    /// Where an EFI_VARIABLE_AUTHENTICATION_2 ends: 16 bytes of time, then a WIN_CERTIFICATE_UEFI_GUID of PKCS#7.
    private static func update(_ bytes: [UInt8]) -> Int? {
        bytes.withReader(source: "update") { reader in
            guard (try? reader.skip(16, "time")) != nil, let size = try? reader.read("size", as: UInt32.self),
                (try? reader.read("revision", as: UInt16.self)) == 0x0200,
                (try? reader.read("type", as: UInt16.self)) == 0x0EF1, (try? reader.guid("type")) == pkcs7,
                size >= 24, Int(size) <= bytes.count - 16
            else { return nil }
            return 16 + Int(size)
        }
    }
}
