// The key `worker` of the configuration: how the users' processes are run.

extension Setting {
    func worker() throws -> WorkerSettings {
        try table { table in
            var worker = WorkerSettings()
            try table.read("command", into: &worker.command) { try $0.command() }
            try table.read("ready_timeout", into: &worker.readyTimeout) { try $0.span() }
            try table.read("stop_timeout", into: &worker.stopTimeout) { try $0.duration() }
            try table.read("heartbeat", into: &worker.heartbeat) { try $0.duration() }
            try table.read("swap", into: &worker.swap) {
                try $0.choice([SwapMode.overlap.rawValue: .overlap, SwapMode.stopFirst.rawValue: .stopFirst])
            }
            try table.read("restart", into: &worker.restart) { try $0.restart() }
            try table.read("check", into: &worker.check) { try $0.check().applied(to: CheckSettings()) }
            try table.read("start_concurrency", into: &worker.startConcurrency) { try $0.startConcurrency() }
            try table.read("limits", into: &worker.limits) { try $0.limits().applied(to: LimitSettings()) }
            try table.read("env", into: &worker.env) { try $0.environment() }
            return worker
        }
    }

    private func restart() throws -> RestartSettings {
        try table { table in
            var restart = RestartSettings()
            try table.read("first", into: &restart.first) { try $0.duration() }
            // Without any delay a broken program would be started as fast as it dies.
            try table.read("then", into: &restart.then) { try $0.span() }
            try table.read("factor", into: &restart.factor) { try $0.number(1...100) }
            let cap = table["cap"]
            restart.cap = try cap?.span() ?? max(restart.cap, restart.then)
            try table.read("jitter", into: &restart.jitter) { try $0.number(0...1) }
            try table.read("reset_after", into: &restart.resetAfter) { try $0.span() }
            if let loop = try table["loop"]?.loop() { (restart.loopDeaths, restart.loopWindow) = loop }
            if let cap, restart.cap < restart.then {
                throw cap.mismatch("at least the \(restart.then.setting) of then")
            }
            return restart
        }
    }

    /// A crash loop: `5 in 60s`.
    private func loop() throws -> (deaths: Int, window: Duration) {
        let words = (try? string())?.split(separator: " ").map(String.init) ?? []
        guard words.count == 3, words[1] == "in", let deaths = Int(words[0]), (2...1000).contains(deaths),
            let window = Duration(setting: words[2]), window > .zero
        else { throw mismatch("a number of deaths from 2 to 1000 and a duration, such as 5 in 60s") }
        return (deaths, window)
    }

    private func startConcurrency() throws -> Int? {
        if (try? string()) == "auto" { return nil }
        guard let count = try? integer(1...10_000) else { throw mismatch("auto or a whole number from 1 to 10000") }
        return count
    }
}
