"""A worker for tests that holds a connection to its database, which takes its time for a new one.

/           200
/healthz    200 over that connection, else 503; one that is broken is made anew

pg_stat_activity tells the two kinds apart: "arriving" before the process is ready or its check is answered, then
"arrived". The table `arrival` gets a row from each that arrives: how many are on their way by then.
"""

import asyncio
import os
import sys

import psycopg2
import tornado.web

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "deploy", "app"))
import worker  # noqa: E402


class Database:
    def __init__(self):
        self.connection = None

    def ping(self):
        try:
            self.run("SELECT 1")
        except psycopg2.Error:
            self.connect()

    def connect(self):
        self.connection = None
        connection = psycopg2.connect(os.environ["DATABASE_URL"], application_name="arriving", connect_timeout=5)
        connection.autocommit = True
        self.connection = connection
        self.run("INSERT INTO arrival SELECT count(*) FROM pg_stat_activity WHERE application_name = 'arriving'")
        self.run("SELECT pg_sleep(0.3)")
        self.run("SET application_name = arrived")

    def run(self, statement):
        if self.connection is None:
            raise psycopg2.OperationalError("not connected")
        with self.connection.cursor() as cursor:
            cursor.execute(statement)


class Index(tornado.web.RequestHandler):
    def get(self):
        self.finish("{}")


class Health(tornado.web.RequestHandler):
    def initialize(self, database):
        self.database = database

    def get(self):
        try:
            self.database.ping()
        except psycopg2.Error:
            self.set_status(503)
        self.finish("{}")


async def main():
    database = Database()
    database.connect()
    listener = worker.adopt()
    process = worker.Worker(worker.Application([("/", Index), ("/healthz", Health, {"database": database})]), listener)
    process.report("serving", ready=True)
    await process.run()


if __name__ == "__main__":
    asyncio.run(main())
