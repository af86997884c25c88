// The one file that knows inotify(7).

import Glibc
import Shared
import SharedSystem

/// Something happened in a watched folder, or to it. An event only says where to look.
struct FolderEvent: Equatable {
    enum Kind: Equatable {
        /// A file was created and may still be written to.
        case created
        /// A file that was open for writing has been closed, or a finished one was moved here.
        case settled
        /// Anything else: gone, moved away, other permissions; or something about the folder itself.
        case changed
        /// The kernel has dropped the watch: the folder is gone or unmounted. Nothing more comes for its number.
        case ended
        /// Events were lost; the watch number means nothing.
        case overflow
    }

    let watch: Int32
    let kind: Kind
    /// The entry of the folder; nil where the event is about the folder itself.
    let name: String?
    let isFolder: Bool
}

/// Watches of folders, by number. The kernel gives one folder one number, however often and by whatever path it is
/// added; a number is not used again soon.
///
/// Where the kernel gives no inotify, each watch fails for that reason.
final class Inotify {
    let descriptor: Descriptor?
    /// Why there is none.
    private let failure: SystemError?
    private var buffer = [UInt8](repeating: 0, count: 64 * 1024)

    init() {
        let number = inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC))
        failure = number < 0 ? SystemError("inotify_init1") : nil
        descriptor = number < 0 ? nil : Descriptor(owning: number)
    }

    /// Watches the folder at `path`, following links.
    ///
    /// IN_MODIFY is not among the events: workers write in their folders all the time, and a write is over with
    /// IN_CLOSE_WRITE.
    ///
    /// - Throws: `SystemError`, of which ENOSPC means max_user_watches, and EMFILE max_user_instances.
    func watch(_ path: String) throws -> Int32 {
        let mask =
            IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB | IN_DELETE_SELF
            | IN_MOVE_SELF | IN_ONLYDIR
        let number = try number
        return try check("inotify_add_watch", path) { inotify_add_watch(number, path, UInt32(bitPattern: mask)) }
    }

    private var number: Int32 {
        get throws {
            if let failure { throw failure }
            return descriptor?.number ?? -1
        }
    }

    /// A watch that has ended by itself may be removed again.
    func remove(_ watch: Int32) {
        if let descriptor { inotify_rm_watch(descriptor.number, watch) }
    }

    /// The next events; empty where there are none.
    func read() throws -> [FolderEvent] {
        let number = try number
        let size = try buffer.withUnsafeMutableBytes { bytes in
            try attempt("read inotify") { Glibc.read(number, bytes.baseAddress, bytes.count) }
        }
        return buffer.withUnsafeBytes { Self.events(UnsafeRawBufferPointer(rebasing: $0[..<(size ?? 0)])) }
    }

    /// Bytes as the kernel writes them: struct inotify_event, each followed by its name and zeros.
    private static func events(_ bytes: UnsafeRawBufferPointer) -> [FolderEvent] {
        let header = MemoryLayout<inotify_event>.size
        var events: [FolderEvent] = []
        var offset = 0
        while offset + header <= bytes.count {
            let event = bytes.loadUnaligned(fromByteOffset: offset, as: inotify_event.self)
            let end = min(bytes.count, offset + header + Int(event.len))
            let name = bytes[offset + header..<end].prefix { $0 != 0 }
            events.append(
                FolderEvent(
                    watch: event.wd, kind: kind(Int32(bitPattern: event.mask)),
                    name: name.isEmpty ? nil : String(decoding: name, as: UTF8.self),
                    isFolder: Int32(bitPattern: event.mask) & IN_ISDIR != 0))
            offset = end
        }
        return events
    }

    private static func kind(_ mask: Int32) -> FolderEvent.Kind {
        if mask & IN_Q_OVERFLOW != 0 { return .overflow }
        if mask & IN_IGNORED != 0 { return .ended }
        if mask & (IN_CLOSE_WRITE | IN_MOVED_TO) != 0 { return .settled }
        return mask & IN_CREATE != 0 ? .created : .changed
    }
}
