// Every answer on the control socket with its bytes. A change here is a change of the protocol's version.

@testable import Shared

/// What a status consists of, and how an answer ends.
let statusMessages: [Golden] = [
    Golden(.answer, ControlAnswer.done, "10"),
    Golden(.answer, ControlAnswer.refused(TextLine("no")), "11 00026e6f"),
    Golden(
        .answer,
        ControlAnswer.master(
            with {
                $0.pid = 1
                $0.version = "0.1.0"
                $0.since = 2
                $0.adopted = 3
                $0.configuration = "no"
            }), "12 00000001 0005302e312e30 0000000000000002 0000000000000003 01 00026e6f"),
    Golden(
        .answer,
        ControlAnswer.watcher(
            with {
                $0.name = "keeper"
                $0.pid = 4
                $0.state = "up"
                $0.restarts = 5
            }), "13 00066b6565706572 01 00000004 00027570 0000000000000005"),
    Golden(
        .answer,
        ControlAnswer.database(
            with {
                $0.report.name = "main-a"
                $0.report.state = .available
                $0.group = "main"
                $0.since = 3
                $0.isOld = true
                $0.isDrained = true
                $0.users = 4
                $0.moving = 1
                $0.before = "unknown"
                $0.changedAt = 2
            }),
        "14 00066d61696e2d61 01 00 00 00 00 00 01 00046d61696e 0000000000000003 01 01 0000000000000004"
            + "0000000000000001 01 0007756e6b6e6f776e 0000000000000002"),
    Golden(
        .answer,
        ControlAnswer.user(
            with {
                $0.name = alice
                $0.plan = .paid
                $0.state = "ready"
                $0.pid = 9
                $0.generation = 7
                $0.since = 1
                $0.database = "main-a"
                $0.package = "1.0"
                $0.restarts = 2
                $0.lastExit = "signal 9"
                $0.reason = "r"
                $0.health = "passing"
                $0.latency = 1
            }),
        "15 0005616c696365 01 00057265616479 01 00000009 0000000000000007 0000000000000001 01"
            + "00066d61696e2d61 01 0003312e30 0000000000000002 01 00087369676e616c2039 01 000172 01 000770617373696e67 01"
            + "3ff0000000000000"),
    Golden(
        .answer,
        ControlAnswer.event(
            with {
                $0.serial = 1
                $0.at = 2
                $0.user = alice
                $0.subject = "s"
                $0.text = "t"
                $0.rule = "r"
            }), "16 0000000000000001 0000000000000002 01 0005616c696365 01 000173 000174 000172"),
    Golden(
        .answer, ControlAnswer.fault(UserFault(name: alice, text: "f:1:2: no")),
        "18 0005616c696365 0009663a313a323a206e6f"),
    Golden(.answer, ControlAnswer.packageTrouble(TextLine("no")), "19 00026e6f"),
    Golden(
        .answer, ControlAnswer.pendingDeletion(PendingDeletion(alice, since: 1, why: "w")),
        "28 0005616c696365 0000000000000001 000177"),
    Golden(
        .answer,
        ControlAnswer.package(
            with {
                $0.version = "1.0"
                $0.isCurrent = true
                $0.isInForce = true
                $0.users = 3
                $0.trouble = "t"
                $0.held = "h"
            }), "29 0003312e30 01 01 0000000000000003 01 000174 01 000168"),
    Golden(
        .answer,
        ControlAnswer.upgrade(
            with {
                $0.target = "2.0"
                $0.state = "paused"
                $0.reason = "r"
                $0.since = 1
                $0.total = 5
                $0.changed = 2
                $0.underway = 3
                $0.failed = 4
            }),
        "3c 0003322e30 0006706175736564 01 000172 0000000000000001 0000000000000005 0000000000000002 0000000000000003"
            + "0000000000000004"),
]

/// What master tells of one user, a change of the configuration, an upgrade to come and a drained database.
let operatorMessages: [Golden] = [
    Golden(
        .answer,
        ControlAnswer.explanation(
            with {
                $0.status.name = alice
                $0.status.state = "held"
                $0.wanted = .databaseUnavailable
                $0.wantedReason = "w"
                $0.version = with {
                    $0.version = "1.0"
                    $0.reason = .trouble
                    $0.trouble = "t"
                    $0.former = "0.9"
                    $0.running = "0.8"
                }
                $0.process = with {
                    $0.startedAt = 1
                    $0.memory = 2
                    $0.memoryLimit = 3
                    $0.lastHeartbeat = 4
                    $0.ownStatus = "o"
                }
                $0.answerer = .standIn
                $0.socket = SocketID(user: alice, generation: 7)
                $0.deletion = PendingDeletion(alice, since: 5, why: "d")
                $0.fault = "f"
                $0.swapFailure = "s"
                $0.lastFailure = "l"
            }),
        "1a 0005616c696365 00 000468656c64 00 0000000000000000 0000000000000000 00 00 0000000000000000 00 00 00 00 04 01 000177"
            + " 01 01 0003312e30 04 01 000174 01 0003302e39 01 0003302e38"
            + " 01 0000000000000001 01 0000000000000002 01 0000000000000003 01 0000000000000004 01 00016f"
            + " 02 01 0005616c696365 0000000000000007 01 0005616c696365 0000000000000005 000164 01 000166 01 000173 01 00016c"
    ),
    Golden(
        .answer,
        ControlAnswer.explanation(
            with {
                $0.status.name = alice
                $0.version = VersionDetails()
                $0.process = ProcessDetails()
            }),
        "1a 0005616c696365 00 0000 00 0000000000000000 0000000000000000 00 00 0000000000000000 00 00 00 00 01 00"
            + " 01 00 01 00 00 00 01 0000000000000000 00 00 00 00 03 00 00 00 00 00"),
    Golden(
        .answer, ControlAnswer.stranded(StrandedUsers(database: "main-a", users: 4)),
        "1b 00066d61696e2d61 0000000000000004"),
    Golden(
        .answer, ControlAnswer.configuration(ConfigurationOutcome(.waiting, isGradual: true, isToBeConfirmed: true)),
        "32 05 01 01"),
    Golden(
        .answer, ControlAnswer.setting(SettingChange(key: "k", old: "o", new: "n", isPostponed: true)),
        "33 00016b 01 00016f 01 00016e 01"),
    Golden(.answer, ControlAnswer.setting(SettingChange(key: "k", old: nil, new: nil)), "33 00016b 00 00 00"),
    Golden(.answer, ControlAnswer.consequence(UserConsequence(alice, .move)), "34 0005616c696365 03"),
    Golden(.answer, ControlAnswer.upgradePreview(UpgradePreview(version: "2.0")), "3d 0003322e30"),
    Golden(
        .answer,
        ControlAnswer.userPreview(
            with {
                $0.name = alice
                $0.plan = .paid
                $0.version = "1.0"
                $0.isCanary = true
            }), "3e 0005616c696365 01 01 0003312e30 01 00"),
    Golden(
        .answer,
        ControlAnswer.userPreview(
            with {
                $0.name = alice
                $0.stay = .nextStart
            }), "3e 0005616c696365 00 00 00 01 03"),
]
