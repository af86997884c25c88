// The operator's desk: the connections of steward commands.
//
// Whatever is wrong with a connection costs that connection only. `Requests` has what is answered.

import Glibc
import Logging
import Policy
import Shared
import SharedSystem

/// Master as requests see it.
protocol BackOffice: AnyObject {
    /// To be asked, each time anew: a copy that is kept would make the next change expensive.
    var supervisor: Supervisor { get }
    var journal: Journal { get }
    var launchStatus: WatcherStatus { get }
    var settings: SettingsFile { get }
    func feed(_ event: Event)
    /// Follows an order of which a part has to outlive master.
    ///
    /// - Throws: where that cannot be kept: nothing has changed.
    func follow(_ order: Event) throws
    func reload(isConfirmed: Bool)
}

final class Desk {
    let startedAt = wallClock()
    private let log = Logger.steward("master")
    private let poller: Poller<Source>
    private let control: ControlServer

    init(_ poller: Poller<Source>, _ control: ControlServer) {
        (self.poller, self.control) = (poller, control)
    }

    /// Waits for connections, where it does not already.
    func open() throws {
        let listener = control.listener.number
        if !poller.knows(listener) { try poller.add(listener, .readable, as: .control) }
    }

    func accept() throws {
        do {
            guard let (client, surplus) = try control.accept() else { return }
            if let surplus { close(surplus) }
            try poller.add(client.channel.descriptor.number, .readable, as: .client)
        } catch {
            // It would be reported again at once, and for ever.
            poller.remove(control.listener.number)
            throw error
        }
    }

    private func close(_ fd: Int32) {
        poller.remove(fd)
        control.close(fd)
        do { try open() } catch { log.error("\(error)") }
    }

    func serve(_ fd: Int32, _ readiness: Readiness, _ office: some BackOffice) {
        guard let client = control.clients[fd] else { return }
        do {
            if readiness.contains(.writable) { try client.channel.flush() }
            if !readiness.isDisjoint(with: [.readable, .hangup]) {
                for received in try client.channel.receive() {
                    guard case .body(let request) = received.packet else { throw WireError.invalid("request") }
                    answer(request, client, office)
                    guard control.clients[fd] === client else { return }
                }
            }
            if control.clients[fd] === client { try poller.change(fd, client.channel.interest) }
        } catch {
            giveUp(fd, error)
        }
    }

    /// A command that has ended needs no line in the log.
    private func giveUp(_ fd: Int32, _ error: any Error) {
        if error as? ChannelError != .closed { log.notice("control connection closed: \(error)") }
        close(fd)
    }

    func send(_ answers: [ControlAnswer], to client: ControlClient) {
        let fd = client.channel.descriptor.number
        do {
            for answer in answers { try client.channel.send(answer) }
            try poller.change(fd, client.channel.interest)
        } catch {
            giveUp(fd, error)
        }
    }

    /// Tells an event to the commands that follow.
    func tell(_ event: EventRecord) {
        for follower in control.followers where follower.follows?.wants(event) == true {
            send([.event(event)], to: follower)
        }
    }
}
