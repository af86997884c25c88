// Which user's folder a watch number stands for.

import Testing

@testable import Shared
@testable import pathwatch

@Suite struct WatchesTests {
    private let alice = UserName("alice") ?? UserName()
    private let bob = UserName("bob") ?? UserName()
    private var watches = Watches<UserName>()

    @Test mutating func aNumberIsGivenAndTaken() {
        #expect(watches.set(alice, to: 1) == nil)
        #expect(watches.set(alice, to: 1) == nil)
        #expect(watches[1] == [alice])
        #expect(watches.names == [alice])
        #expect(watches.set(alice, to: nil) == 1)
        #expect(watches[1] == [])
        #expect(watches.names == [])
        #expect(watches.set(alice, to: nil) == nil)
    }

    @Test mutating func aReplacedFolderFreesItsOldNumber() {
        _ = watches.set(alice, to: 1)
        #expect(watches.set(alice, to: 2) == 1)
        #expect(watches[1] == [])
        #expect(watches[2] == [alice])
    }

    @Test mutating func aRenamedFolderKeepsItsNumberWhileBothNamesStand() {
        _ = watches.set(alice, to: 1)
        #expect(watches.set(bob, to: 1) == nil)
        #expect(watches[1] == [alice, bob])
        #expect(watches.set(alice, to: nil) == nil)
        #expect(watches[1] == [bob])
        #expect(watches.set(bob, to: nil) == 1)
    }

    @Test mutating func aDroppedNumberIsForgotten() {
        _ = watches.set(alice, to: 1)
        _ = watches.set(bob, to: 1)
        #expect(watches.forget(1) == [alice, bob])
        #expect(watches.forget(1) == [])
        #expect(watches.names == [])
        #expect(watches.set(alice, to: 2) == nil)
    }
}
