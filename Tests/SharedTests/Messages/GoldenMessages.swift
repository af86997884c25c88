// Every message of every direction with its bytes. A change here is a change of the protocol's version.

@testable import Shared
@testable import SharedSystem

func name(_ text: String) -> UserName { UserName(text) ?? UserName() }

let alice = name("alice")
private let worker = WorkerID(user: alice, generation: 7)
private let socket = SocketID(of: worker)

private let user: UserSettings = with {
    $0.name = alice
    $0.folder = "/u/alice"
    $0.plan = .paid
    $0.database = "main"
    $0.package = "1.0"
    $0.env = ["B": "2", "A": "1"]
    $0.check = with {
        $0.path = "/h"
        $0.interval = .milliseconds(1)
        $0.fall = 5
    }
    $0.limits = with {
        $0.memory = 1 << 20
        $0.files = 256
        $0.core = 0
        $0.nice = 5
    }
    $0.runAs = "www"
    $0.enabled = false
    $0.command = ["py", "a.py"]
    $0.start = 9
}

private let database: DatabaseSettings = with {
    $0.name = "main-a"
    $0.conninfo = "host=db"
    $0.group = "main"
}

private let order: CheckOrder = with {
    $0.worker = worker
    $0.socket = "/r/a.7"
    $0.awaitsReady = true
}

let goldenMessages: [Golden] =
    linkMessages + keeperMessages + pathwatchMessages + dbwatchMessages + dispatchMessages
    + requestMessages + statusMessages + operatorMessages

private let linkMessages: [Golden] = [
    Golden(
        .link, Packet<FromKeeper>.hello(Hello(kind: .dbwatch, pid: 258, generation: 3)),
        "01 00000005 03 00000102 0000000000000003"),
    Golden(.link, Packet<FromKeeper>.ping, "02"),
    Golden(.link, Packet<FromKeeper>.pong, "03"),
    Golden(
        .link, Packet<FromKeeper>.handover(Handover(standIn: StandIn(socket, .held))),
        "04 02 01 0005616c696365 0000000000000007 04"),
    Golden(.link, Packet<FromKeeper>.handover(.notify), "04 05 00 00"),
    Golden(.link, Packet<FromKeeper>.handedOver, "05"),
    Golden(.link, Packet<FromKeeper>.leave, "06"),
]

private let keeperMessages: [Golden] = [
    Golden(.toKeeper, ToKeeper.settings(KeeperSettings(logs: "/logs")), "10 00052f6c6f6773"),
    Golden(.toKeeper, ToKeeper.keep(socket), "11 0005616c696365 0000000000000007"),
    Golden(.toKeeper, ToKeeper.answer(StandIn(socket, .held)), "12 0005616c696365 0000000000000007 04"),
    Golden(.toKeeper, ToKeeper.quiet(socket), "13 0005616c696365 0000000000000007"),
    Golden(.toKeeper, ToKeeper.retire(StandIn(socket, .stopping)), "14 0005616c696365 0000000000000007 07"),
    Golden(.toKeeper, ToKeeper.output(worker), "15 0005616c696365 0000000000000007"),
    Golden(.toKeeper, ToKeeper.complete, "16"),
    Golden(.toKeeper, ToKeeper.notify, "17"),
    Golden(.toKeeper, ToKeeper.journal(JournalSettings(folder: "/state")), "1e 00062f7374617465"),
    Golden(
        .toKeeper,
        ToKeeper.event(
            with {
                $0.serial = 1
                $0.at = 2
                $0.user = alice
                $0.text = "t"
                $0.rule = "r"
            }), "1f 0000000000000001 0000000000000002 01 0005616c696365 00 000174 000172"),
    Golden(.fromKeeper, FromKeeper.journaled(JournalMark(serial: 7)), "1e 0000000000000007"),
]

private let pathwatchMessages: [Golden] = [
    Golden(
        .toPathwatch,
        ToPathwatch.settings(
            with {
                $0.users = "/u"
                $0.packages = "/p"
                $0.databases = ["main-a", "main"]
                $0.runAs = "www"
                $0.configuration = "/c"
            }), "10 00022f75 01 00022f70 0002 00066d61696e2d61 00046d61696e 01 0003777777 00022f63"),
    Golden(
        .fromPathwatch, FromPathwatch.adduser(user),
        "10 0005616c696365 00082f752f616c696365 01 01 00046d61696e 01 0003312e30 0002 000141 000142 0002 000131 000132 01"
            + "00022f68 01 00000000000f4240 00 01 0000000000000005 00 01 0000000000100000 01 0000000000000100"
            + "01 0000000000000000 01 0000000000000005 01 0003777777 00 01 0002 00027079 0004612e7079 0000000000000009"),
    Golden(
        .fromPathwatch, FromPathwatch.moduser(with { $0.name = alice }),
        "11 0005616c696365 0000 00 00 00 0000 0000 00 00 00 00 00 00 00 00 00 00 01 00 0000000000000000"),
    Golden(.fromPathwatch, FromPathwatch.deluser(alice), "12 0005616c696365"),
    Golden(
        .fromPathwatch, FromPathwatch.fault(UserFault(name: alice, text: "f:1:2: no")),
        "13 0005616c696365 0009663a313a323a206e6f"),
    Golden(.fromPathwatch, FromPathwatch.faultless(alice), "14 0005616c696365"),
    Golden(.fromPathwatch, FromPathwatch.complete, "15"),
    Golden(
        .fromPathwatch,
        FromPathwatch.folder(FolderReport(FolderIdentity(device: 2049, inode: 258), isSearched: true)),
        "28 0000000000000801 0000000000000102 00 01"),
    Golden(
        .fromPathwatch, FromPathwatch.folder(FolderReport(trouble: "no")),
        "28 0000000000000000 0000000000000000 01 00026e6f 00"),
    Golden(.fromPathwatch, FromPathwatch.begin, "32"),
    Golden(.fromPathwatch, FromPathwatch.configuration, "33"),
    Golden(
        .fromPathwatch,
        FromPathwatch.package(
            with {
                $0.version = "1.0"
                $0.folder = "/p/1.0"
                $0.command = ["py"]
                $0.check.path = "/h"
                $0.requires = "0.1"
                $0.identity = 258
            }),
        "29 0003312e30 00062f702f312e30 01 0001 00027079 01 00022f68 00 00 00 00 01 0003302e31 0000000000000102"),
    Golden(
        .fromPathwatch, FromPathwatch.packageFault(PackageFault(version: "1.0", text: "no")),
        "2a 01 0003312e30 00026e6f"),
    Golden(.fromPathwatch, FromPathwatch.packageFault(PackageFault(version: nil, text: "no")), "2a 00 00026e6f"),
    Golden(.fromPathwatch, FromPathwatch.packageGone(TextLine("1.0")), "2b 0003312e30"),
    Golden(
        .fromPathwatch, FromPathwatch.currentPackage(CurrentPackage(version: "1.0", fault: "no")),
        "2c 01 0003312e30 01 00026e6f"),
]

private let dbwatchMessages: [Golden] = [
    Golden(
        .toDBWatch, ToDBWatch.settings(DatabaseCheckSettings()),
        "10 000000003b9aca00 0000000077359400 0000000000000003 0000000000000002 01 000000012a05f200"),
    Golden(.toDBWatch, ToDBWatch.database(database), "11 00066d61696e2d61 0007686f73743d6462 01 00046d61696e"),
    Golden(.toDBWatch, ToDBWatch.complete, "12"),
    Golden(
        .fromDBWatch,
        FromDBWatch.report(
            with {
                $0.name = "main-a"
                $0.state = .unavailable
                $0.cause = "refused"
                $0.latency = 0.5
                $0.role = "read-write"
                $0.isInDoubt = true
                $0.maxConnections = 100
            }),
        "10 00066d61696e2d61 02 01 000772656675736564 01 3fe0000000000000 01 000a726561642d7772697465 01"
            + "01 0000000000000064"),
]

private let dispatchMessages: [Golden] = [
    Golden(
        .toDispatch, ToDispatch.check(order),
        "10 0005616c696365 0000000000000007 00062f722f612e37 00082f6865616c74687a 00000002540be400"
            + "0000000077359400 0000000000000003 0000000000000001 01"),
    Golden(.toDispatch, ToDispatch.forget(worker), "11 0005616c696365 0000000000000007"),
    Golden(.toDispatch, ToDispatch.suspect(worker), "12 0005616c696365 0000000000000007"),
    Golden(
        .fromDispatch,
        FromDispatch.verdict(
            with {
                $0.worker = worker
                $0.health = .failing
                $0.outcome = .wrongStatus
                $0.status = 500
                $0.latency = 2
            }), "10 0005616c696365 0000000000000007 02 01 01 00000000000001f4 01 4000000000000000"),
]

private let requestMessages: [Golden] = [
    Golden(.request, ControlRequest.status, "10"),
    Golden(.request, ControlRequest.why(alice), "11 0005616c696365"),
    Golden(
        .request,
        ControlRequest.events(
            with {
                $0.user = alice
                $0.since = 1
                $0.follow = true
            }), "12 01 0005616c696365 0000000000000001 01"),
    Golden(
        .request, ControlRequest.restart(UsersRequest([alice, name("bob")])),
        "13 0002 0005616c696365 0003626f62 00"),
    Golden(
        .request, ControlRequest.hold(UsersRequest([alice], reason: "debt")),
        "14 0001 0005616c696365 01 000464656274"),
    Golden(.request, ControlRequest.release(UsersRequest([])), "15 0000 00"),
    Golden(.request, ControlRequest.stop, "16"),
    Golden(.request, ControlRequest.databases, "17"),
    Golden(.request, ControlRequest.drain(DatabaseRequest("main-a")), "18 00066d61696e2d61"),
    Golden(.request, ControlRequest.undrain(DatabaseRequest("main-a")), "19 00066d61696e2d61"),
    Golden(.request, ControlRequest.rebalance, "1a"),
    Golden(.request, ControlRequest.confirmDelete(UsersRequest([alice])), "28 0001 0005616c696365 00"),
    Golden(.request, ControlRequest.reload(ReloadRequest(isConfirmed: true)), "32 01"),
    Golden(.request, ControlRequest.preview(PreviewRequest(file: "/c")), "33 01 00022f63"),
    Golden(.request, ControlRequest.upgrade(UpgradeRequest(.start, version: "2.0")), "3c 02 01 0003322e30"),
]
