// A socket of TCP that no program inherits which another test starts at that moment: it would keep the port for its life.

import Glibc
import Shared
import SharedSystem

package enum TCPSocket {
    package static func make() throws -> Descriptor {
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        return Descriptor(owning: try check("socket") { socket(AF_INET, type, 0) })
    }
}
