// The subjects under libFuzzer (https://llvm.org/docs/LibFuzzer.html): `make fuzz`.
//
// The first byte of an input chooses the subject, the rest is what it is tried with.

import FuzzSubjects

/// libFuzzer's loop; it takes its own arguments.
@_silgen_name("LLVMFuzzerRunDriver")
private func runFuzzer(
    _ count: UnsafeMutablePointer<Int32>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32

@_cdecl("LLVMFuzzerTestOneInput")
package func tryOneInput(_ bytes: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    let input = Array(UnsafeBufferPointer(start: bytes, count: size))
    guard let first = input.first else { return 0 }
    let subject = Subject.allCases[Int(first) % Subject.allCases.count]
    do { try subject.examine(Array(input.dropFirst())) } catch { fatalError("\(subject): \(error)") }
    return 0
}

// SwiftPM links the main function of a program by this name.
@_cdecl("fuzz_main")
package func main(_ count: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Int32 {
    var (count, arguments) = (count, arguments)
    return runFuzzer(&count, &arguments, tryOneInput)
}
