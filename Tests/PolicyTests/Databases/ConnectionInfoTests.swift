// A conninfo as the environment of a worker.

import Shared
import Testing

@testable import Policy

@Suite struct ConnectionInfoTests {
    @Test(arguments: [
        ("host=127.0.0.1 port=5433 dbname=invoicing user=app", "postgresql://app@127.0.0.1:5433/invoicing"),
        ("host=/run/pg dbname=x", "postgresql:///x?host=%2Frun%2Fpg"),
        ("dbname = 'my db' password='it\\'s' user=a", "postgresql://a:it%27s@/my%20db"),
        (
            "postgresql://app:p%40ss@db.example:5432/x?sslmode=require",
            "postgresql://app:p%40ss@db.example:5432/x?sslmode=require"
        ),
        ("host=a,b port=1,2 dbname=x", "postgresql:///x?host=a%2Cb&port=1%2C2"),
        ("", "postgresql:///"),
    ])
    func databaseURL(_ given: String, _ url: String) {
        #expect(ConnectionInfo(given).environment["DATABASE_URL"] == url)
    }

    @Test func theVariablesOfLibpq() {
        let uri = ConnectionInfo("postgres://app:p%40ss@[::1]:5433/x?sslmode=require").environment
        #expect(uri["PGHOST"] == "::1" && uri["PGPORT"] == "5433" && uri["PGDATABASE"] == "x")
        #expect(uri["PGUSER"] == "app" && uri["PGPASSWORD"] == "p@ss" && uri["PGSSLMODE"] == "require")
        let words = ConnectionInfo("host=/run/pg dbname=x").environment
        #expect(words["PGHOST"] == "/run/pg" && words["PGPORT"] == nil && words["PGPASSWORD"] == nil)
    }
}
