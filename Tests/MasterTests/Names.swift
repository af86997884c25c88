// The users of these tests.

import Shared

let alice = UserName("alice") ?? UserName()
let bob = UserName("bob") ?? UserName()
