import Shared
import Testing

@testable import dbwatch

@Test func theFirstVerdictNeedsOnePass() {
    var script = Script()
    #expect(script(.time) == [.connect(.kept)])
    #expect(script(.resolved(.kept)) == [])
    #expect(script(.connected(.kept)) == [.ask(.kept)])
    let verdict = Verdict(state: .available, cause: nil, role: .readWrite, latency: .milliseconds(3))
    #expect(script(.answered(.kept, Answer(role: .readWrite)), after: .milliseconds(3)) == [.submit(verdict)])
}

@Test(arguments: [
    Cause.refused, .starting, .stopping, .full, .login, .noDatabase, .notResolved,
])
func aDefiniteCauseIsBelievedAtOnce(_ cause: Cause) {
    var first = Script()
    first(.time)
    #expect(first(.failed(.kept, cause)) == [.close(.kept), .submit(Verdict(state: .unavailable, cause: cause))])

    var later = Script.available()
    later.sleep(until: .connect(.login))
    later(.failed(.login, cause))
    #expect(later.state == .unavailable)
    #expect(later.cause == cause)
}

@Test(arguments: [Cause.timeout, .closed, .other("no route to host")])
func doubtNeedsFallInARow(_ cause: Cause) {
    var script = Script.available()
    script.sleep(until: .ask(.kept))
    #expect(script(.failed(.kept, .timeout)).first == .close(.kept))
    #expect(script.sleep() == [.connect(.kept)])
    #expect(script(.failed(.kept, cause)).first == .close(.kept))
    #expect(script.state == .available)
    #expect(script.isInDoubt)
    script.sleep(until: .connect(.kept))
    script(.failed(.kept, cause))
    #expect(script.state == .unavailable)
    #expect(script.cause == cause)
    #expect(!script.isInDoubt)
}

@Test func aShortageOfItsOwnIsNoVerdict() {
    var script = Script.available()
    for _ in 0..<10 {
        script.sleep(until: .connect(.login))
        #expect(script(.failed(.login, .shortage("Too many open files"))) == [.close(.login)])
    }
    #expect(script.state == .available)
    #expect(!script.isInDoubt)
}

@Test func aPassEndsDoubt() {
    var script = Script.available()
    for _ in 0..<5 {
        script.sleep(until: .ask(.kept))
        script(.failed(.kept, .timeout))
        script.sleep(until: .connect(.kept))
        script(.failed(.kept, .timeout))
        script.sleep(until: .connect(.kept))
        script.logIn(.kept)
        #expect(!script.isInDoubt)
    }
    #expect(script.state == .available)
}

@Test func silenceIsATimeoutOnTheDeadline() {
    var script = Script.available { $0.loginInterval = .seconds(3600) }
    script.sleep(until: .ask(.kept))
    let asked = script.now
    #expect(script.sleep(until: .close(.kept)) == .seconds(2))
    #expect(script.now - asked == .seconds(2))
    #expect(script.sleep() == [.connect(.kept)])
    #expect(script.now == asked + .seconds(2))
}

@Test func aSlowNameServerIsNotATimeout() {
    var script = Script()
    script(.time)
    script(.time, after: .seconds(2))
    #expect(script.cause == .notResolved)

    // The time of the resolution is not the connection's.
    var slow = Script()
    slow(.time)
    slow(.resolved(.kept), after: .milliseconds(1900))
    #expect(slow(.time, after: .milliseconds(1900)) == [])
    slow(.time, after: .milliseconds(100))
    #expect(slow.state == .unknown)
}

@Test func theEndOfTheKeptConnectionIsNoVerdict() {
    var script = Script.available()
    let before = script.verdicts.count
    script.answer()
    #expect(script(.failed(.kept, .closed), after: .milliseconds(300)) == [.close(.kept)])
    #expect(script.sleep() == [.connect(.kept)])
    script.logIn(.kept)
    #expect(script.verdicts.dropFirst(before).allSatisfy { $0.state == .available })

    script.sleep(until: .ask(.kept))
    script(.failed(.kept, .closed))
    #expect(script.state == .available)
    script.sleep(until: .connect(.kept))
    script(.failed(.kept, .refused))
    #expect(script.state == .unavailable)
}

@Test func aServerThatEndsEveryConnectionIsNotAskedWithoutPause() {
    var script = Script.available()
    for _ in 0..<10 {
        script(.failed(.kept, .closed))
        #expect(script.sleep(until: .connect(.kept)) > .milliseconds(90))
        script.logIn(.kept)
    }
    // And one that never answers before it does is unavailable in the end.
    for _ in 0..<4 {
        script(.failed(.kept, .closed))
        script.sleep(until: .connect(.kept))
        script(.resolved(.kept))
        script(.connected(.kept))
    }
    #expect(script.state == .unavailable)
    #expect(script.cause == .closed)
}

@Test func whoIsCutOffByADyingServerKnocksAgainSoon() {
    var script = Script.available()
    script(.failed(.kept, .closed))
    script.sleep(until: .connect(.kept))
    script(.resolved(.kept))
    script(.failed(.kept, .closed))
    #expect(script.state == .available)
    #expect(script.sleep(until: .connect(.kept)) <= .milliseconds(10))
    script(.failed(.kept, .refused))
    #expect(script.state == .unavailable)
}

@Test func riseNeedsPassesInARow() {
    var script = Script.available {
        $0.rise = 3
        $0.loginInterval = .seconds(3600)
    }
    script(.failed(.kept, .closed))
    script.sleep(until: .connect(.kept))
    script(.failed(.kept, .refused))
    script.sleep(until: .connect(.kept))
    script.logIn(.kept)
    script.answer()
    #expect(script.state == .unavailable)
    script.sleep(until: .ask(.kept))
    script(.failed(.kept, .timeout))
    script.sleep(until: .connect(.kept))
    script.logIn(.kept)
    script.answer()
    #expect(script.state == .unavailable)
    script.answer()
    #expect(script.state == .available)
    #expect(script.cause == nil)
}

@Test func recoveryIsQuick() {
    var script = Script.available()
    script(.failed(.kept, .closed))
    script.sleep(until: .connect(.kept))
    script(.failed(.kept, .refused))
    #expect(script.sleep(until: .connect(.kept)) == .milliseconds(100))
    let back = script.now
    script.logIn(.kept)
    #expect(script.state == .unavailable)
    script.answer()
    #expect(script.state == .available)
    #expect(script.now - back < .milliseconds(200))
}

@Test func retriesBackOffToTheInterval() {
    for (interval, longest) in [(1.0, 1000), (10, 1000), (0.3, 300)] {
        var script = Script { $0.interval = .seconds(interval) }
        script(.time)
        var delays: [Int] = []
        for _ in 0..<8 {
            script(.failed(.kept, .refused), after: .zero)
            delays.append(Int(script.sleep(until: .connect(.kept)).milliseconds))
        }
        #expect(delays.first == 100)
        #expect(delays == delays.sorted())
        #expect(delays.max() == longest)
        // Another cause is news.
        script(.failed(.kept, .starting))
        #expect(script.sleep(until: .connect(.kept)) <= .milliseconds(100))
    }
}

@Test func aStoppedPostmasterIsNoticedByTheFreshLogin() {
    var script = Script.available()
    // The kept connection goes on answering, and takes nothing back.
    script.run(for: .seconds(20), login: .timeout)
    #expect(script.state == .unavailable)
    #expect(script.cause == .timeout)
    script.run(for: .seconds(5), login: nil)
    #expect(script.state == .available)
}

/// Whatever the kept connection is doing meanwhile.
@Test(arguments: [4.7, 5, 5.2, 5.6, 6.1, 7.9])
func silenceIsBelievedTimeoutsAfterTheFirstOpenQuestion(_ loginInterval: Double) {
    for isWhole in [true, false] {
        var script = Script.available { $0.loginInterval = .seconds(loginInterval) }
        script.sleep(until: .connect(.login))
        let asked = script.now
        script.silence(isWhole ? Lane.allCases : [.login])
        #expect(script.cause == .timeout)
        #expect(script.now - asked >= .seconds(6))
        #expect(script.now - asked <= .milliseconds(6100), "\(isWhole)")
    }
}

@Test func aFreshLoginTakesBackWhatOthersFailedBy() {
    var script = Script.available()
    script.sleep(until: .connect(.login))
    script(.resolved(.login))
    script.sleep(until: .close(.login))
    #expect(script.isInDoubt)
    #expect(script.sleep() == [.connect(.login)])
    let asked = script.now
    script(.resolved(.login))
    script(.failed(.kept, .closed))
    #expect(script.sleep() == [.connect(.kept)])
    script.logIn(.kept)
    #expect(!script.isInDoubt)
    // The login that is under way is the first of a new row.
    script.silence([.login])
    #expect(script.now - asked >= .seconds(6))
}

@Test func aFullServerIsNoticedByTheFreshLogin() {
    var script = Script.available()
    script.run(for: .seconds(11), login: .full)
    #expect(script.cause == .full)
    // Passes without a login do not make it available, however many.
    script.run(for: .seconds(60), login: .full)
    #expect(script.state == .unavailable)
    script.run(for: .milliseconds(1500), login: nil)
    #expect(script.state == .available)
}

@Test func loginsAreFreshConnectionsThatAreClosed() {
    var script = Script.available()
    script.answer()
    script.sleep(until: .connect(.login))
    script(.resolved(.login))
    #expect(script(.connected(.login)) == [.ask(.login)])
    #expect(script(.answered(.login, Answer(role: .readWrite))).first == .close(.login))
}

@Test func withoutTheKeptConnectionThereIsNoSecondLogin() {
    var script = Script()
    script(.time)
    for _ in 0..<30 {
        script(.failed(.kept, .refused))
        var actions: [Watchdog.Action] = []
        while !actions.contains(.connect(.kept)) {
            actions = script.sleep()
            #expect(!actions.contains(.connect(.login)))
        }
    }
}

@Test(arguments: [(Role.readOnly, Cause.readOnly), (.inRecovery, .inRecovery)])
func theWrongRoleIsUnavailableWhereWritesAreWanted(_ role: Role, _ cause: Cause) {
    var script = Script.available()
    script.answer(role)
    #expect(script.state == .unavailable)
    #expect(script.cause == cause)
    #expect(script.dog.verdict.role == role)
    // The connection stays; writable again, it is available after a fresh login, which is made at once.
    let before = script.now
    script.answer()
    #expect(script.state == .unavailable)
    script.sleep(until: .connect(.login))
    script.logIn(.login)
    #expect(script.state == .available)
    #expect(script.now - before < .milliseconds(200))

    var content = Script.available { $0.writable = false }
    content.answer(role)
    #expect(content.state == .available)
    #expect(content.dog.verdict.role == role)
}

@Test func databasesAreSpreadOverTheInterval() {
    var (tenths, beats) = (Set<Int64>(), Set<Int64>())
    for number in 0..<200 {
        let start = Instant(nanoseconds: 5_000_000_000)
        var dog = Watchdog(name: "db-\(number)", settings: DatabaseCheckSettings(), start)
        _ = dog.step(.time, start)
        _ = dog.step(.resolved(.kept), start)
        _ = dog.step(.connected(.kept), start)
        _ = dog.step(.answered(.kept, Answer(role: .readWrite)), start)
        let next = dog.deadline - start
        #expect(next > .zero && next <= .seconds(1))
        tenths.insert((next.nanoseconds - 1) / 100_000_000)
        beats.insert(next.nanoseconds)
    }
    #expect(tenths.count == 10)
    #expect((40...50).contains(beats.count), "who shares a beat is asked in one turn of the loop")
}

@Test func lateEventsOfAClosedLaneAreIgnored() {
    var script = Script.available()
    #expect(script(.answered(.login, Answer(role: .readOnly))) == [])
    #expect(script(.connected(.login)) == [])
    #expect(script(.resolved(.kept)) == [])
    #expect(script(.failed(.login, .refused)) == [])
    #expect(script.state == .available)
}

/// Whatever comes in whatever order: there is always a next deadline, and each lane's actions make sense.
@Test func randomEventsNeverStopAWatchdog() {
    var random = SystemRandomNumberGenerator()
    let causes: [Cause] = [.refused, .timeout, .closed, .full, .other("x")]
    for _ in 0..<50 {
        var script = Script { $0.rise = Int.random(in: 1...3) }
        for _ in 0..<500 {
            let lane = Lane.allCases.randomElement(using: &random) ?? .kept
            let events: [Watchdog.Event] = [
                .time, .resolved(lane), .connected(lane), .answered(lane, Answer(role: .readWrite)),
                .answered(lane, Answer(role: .readOnly)),
                .failed(lane, causes.randomElement(using: &random) ?? .timeout),
            ]
            script(events.randomElement(using: &random) ?? .time, after: .milliseconds(Int.random(in: 0...700)))
            #expect(script.dog.deadline < script.now + .seconds(3600))
            #expect((script.cause == nil) == (script.state != .unavailable))
        }
    }
}
