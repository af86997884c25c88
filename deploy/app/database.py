"""The invoices of one merchant in PostgreSQL.

Every statement runs on a small pool of threads with one connection each, so that the event loop never waits for the
database. Every call is bounded in time on our side as well: a server that accepts and then says nothing (stopped,
swapping, unplugged) sends no error, and statement_timeout is kept by the server alone.

A call whose connection turns out to be broken is repeated once on a new one. That is safe for the one statement that
writes, because each invoice carries a token that is stored only once.
"""

import asyncio
import concurrent.futures
import os
import select
import threading
import time
import uuid

import psycopg2
import psycopg2.extensions
import psycopg2.extras

# Many processes of many merchants may start at once on a new database; CREATE TABLE IF NOT EXISTS alone can then fail
# with a duplicate key. Sent as one string, the three statements are one transaction.
SCHEMA = """
SELECT pg_advisory_xact_lock(hashtext('invoicing schema'));
CREATE TABLE IF NOT EXISTS invoice (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token    uuid NOT NULL UNIQUE,
    merchant text NOT NULL,
    customer text NOT NULL,
    amount   numeric(12, 2) NOT NULL CHECK (amount > 0),
    created  timestamptz NOT NULL DEFAULT now());
CREATE INDEX IF NOT EXISTS invoice_of_merchant ON invoice (merchant, id);
"""

Error = psycopg2.Error


class TooSlow(psycopg2.OperationalError):
    """The database did not answer in time."""


class Database:
    def __init__(self, url, merchant, threads=4):
        self.url = url
        self.merchant = merchant
        self.pool = concurrent.futures.ThreadPoolExecutor(threads, thread_name_prefix="database")
        self.local = threading.local()
        psycopg2.extensions.set_wait_callback(self._wait)

    async def prepare(self):
        await self._run(SCHEMA, seconds=5)

    async def ping(self):
        await self._run("SELECT 1", seconds=1.5)

    async def invoices(self):
        return await self._run("SELECT id, customer, amount, created FROM invoice WHERE merchant = %s "
                               "ORDER BY id DESC LIMIT 100", [self.merchant])

    async def create(self, customer, amount):
        rows = await self._run("INSERT INTO invoice (token, merchant, customer, amount) VALUES (%s, %s, %s, %s) "
                               "ON CONFLICT (token) DO UPDATE SET token = excluded.token "
                               "RETURNING id, customer, amount, created",
                               [str(uuid.uuid4()), self.merchant, customer, amount])
        return rows[0]

    async def _run(self, statement, values=None, seconds=5):
        """The rows of a statement. The time counts from here, so waiting for a free thread is part of it."""
        deadline = time.monotonic() + seconds
        work = asyncio.get_running_loop().run_in_executor(self.pool, self._execute, statement, values, deadline)
        try:
            return await asyncio.wait_for(work, seconds + 0.2)
        except asyncio.TimeoutError:
            raise TooSlow(f"no answer within {seconds:g} s") from None

    def _execute(self, statement, values, deadline):
        self.local.deadline = deadline
        kept = getattr(self.local, "connection", None)
        try:
            return self._rows(statement, values)
        except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
            # Only a kept connection can have been broken before the statement was sent: a new one is bad news itself.
            if kept is None or not kept.closed or isinstance(error, TooSlow):
                raise
            return self._rows(statement, values)

    def _rows(self, statement, values):
        connection = getattr(self.local, "connection", None)
        if connection is None or connection.closed:
            self.local.connection = None
            connection = psycopg2.connect(self.url, connect_timeout=5, application_name=f"invoicing {self.merchant}",
                                          options=f"{os.environ.get('PGOPTIONS', '')} -c statement_timeout=5000")
            connection.autocommit = True
            self.local.connection = connection
        with connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def _wait(self, connection):
        """psycopg2 calls this instead of blocking in libpq; after an exception it closes the connection."""
        while True:
            state = connection.poll()
            if state == psycopg2.extensions.POLL_OK:
                return
            left = self.local.deadline - time.monotonic()
            if left <= 0:
                raise TooSlow("the database does not answer")
            poll = select.poll()
            poll.register(connection.fileno(),
                          select.POLLIN if state == psycopg2.extensions.POLL_READ else select.POLLOUT)
            poll.poll(left * 1000)
