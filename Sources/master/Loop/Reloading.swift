// The configuration file, read again while master runs.
//
// SIGHUP, `steward reload`, `steward plan` and a saved file lead here. This is the one place where the loop waits for a
// disk: one read of at most 1 MiB, when somebody has changed the file or asks for it.

import Glibc
import Policy
import Shared
import SharedSystem

extension Loop {
    /// Goes over to what the file says now, if it is right and concerns few users or is confirmed.
    func reload(isConfirmed: Bool) {
        isReloadDue = false
        switch read(file) {
        case .success(let configuration): feed(.configure(configuration, isConfirmed: isConfirmed))
        case .failure(let error): feed(.configurationFaulty("\(error)"))
        }
    }

    private func read(_ path: String) -> Result<Configuration, any Error> {
        Result { try Configuration.read(path) }
    }

    /// Said by pathwatch, which may be wrong or say it often: the file is read once a turn of the loop.
    func pathwatchSaid(_ report: WatcherReport) {
        if case .path(.configuration) = report { isReloadDue = true }
    }

    // MARK: the operator

    func answerReload(_ request: ReloadRequest, _ client: ControlClient) {
        guard client.mayChange else { return refuse(client) }
        reload(isConfirmed: request.isConfirmed)
        let answers = supervisor.reloadAnswers
        if case .refused = answers.first { return send(answers, to: client) }
        send(answers + [.done], to: client)
    }

    /// What is wrong with a file tells something of its content: an operator may ask about master's own one only.
    func answerPreview(_ request: PreviewRequest, _ client: ControlClient) {
        let path = request.file ?? file
        guard client.isMaster || client.mayChange && path == file else { return refuse(client) }
        switch read(path) {
        case .success(let configuration):
            send(supervisor.previewAnswers(configuration) + [.done], to: client)
        case .failure(let error):
            send([.refused(TextLine("\(error)"))], to: client)
        }
    }
}
