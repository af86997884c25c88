// What a visitor is told: whole HTTP answers as bytes. Pure.
//
// The words are the visitor's, not the operator's: what it means for the visitor and what to do.

import Shared

/// What matters of a request.
struct RequestHead: Equatable {
    var isHead = false
    /// The sender waits for leave to send its body.
    var expectsContinue = false
    var preference = Preference.html
}

/// A request that is not answered with the stand-in's page.
enum Refusal: Equatable {
    case malformed, tooLarge, tooSlow

    fileprivate var status: String {
        switch self {
        case .malformed: "400 Bad Request"
        case .tooLarge: "431 Request Header Fields Too Large"
        case .tooSlow: "408 Request Timeout"
        }
    }
}

enum Page {
    static func answer(_ reason: StandInReason, to request: RequestHead) -> [UInt8] {
        let (type, body) =
            switch request.preference {
            case .html: ("text/html; charset=utf-8", html(reason))
            case .json: ("application/json", json(reason))
            }
        return response(
            "503 Service Unavailable", ["Retry-After: \(reason.retryAfter)", "Content-Type: \(type)"], body,
            isHead: request.isHead)
    }

    static func refusal(_ refusal: Refusal) -> [UInt8] {
        response(refusal.status, ["Content-Type: text/plain; charset=utf-8"], "\(refusal.status)\n", isHead: false)
    }

    private static func response(_ status: String, _ headers: [String], _ body: String, isHead: Bool) -> [UInt8] {
        let fixed = ["Content-Length: \(body.utf8.count)", "Cache-Control: no-store", "Connection: close"]
        let head = (["HTTP/1.1 \(status)"] + headers + fixed).map { $0 + "\r\n" }.joined()
        return Array((head + "\r\n" + (isHead ? "" : body)).utf8)
    }

    private static func json(_ reason: StandInReason) -> String {
        """
        {"error": "\(reason.sentence)", "reason": "\(reason.word)", "retry_after": \(reason.retryAfter)}

        """
    }

    private static func html(_ reason: StandInReason) -> String {
        """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>\(reason.title)</title>
        <style>
        :root { color-scheme: light dark; }
        body { margin: 0; min-height: 100vh; display: flex; align-items: center; justify-content: center;
          font: 1.1rem/1.6 system-ui, sans-serif; color: #345; background: #f6f7f9; }
        main { max-width: 26rem; padding: 2rem; text-align: center; }
        h1 { margin: 0 0 .5rem; font-size: 1.5rem; font-weight: 600; }
        p { margin: 0; }
        @media (prefers-color-scheme: dark) { body { color: #cdd6e0; background: #15191e; } }
        </style>
        </head>
        <body><main><h1>\(reason.title)</h1><p>\(reason.sentence)</p></main></body>
        </html>

        """
    }
}

extension StandInReason {
    /// The reason for programs, and on the command line.
    var word: String {
        switch self {
        case .starting: "starting"
        case .restarting: "restarting"
        case .crashLooping: "crash-looping"
        case .held: "held"
        case .disabled: "disabled"
        case .database: "database"
        case .stopping: "stopping"
        }
    }

    /// In seconds.
    fileprivate var retryAfter: Int {
        switch self {
        case .starting, .restarting: 2
        case .database, .stopping: 5
        case .crashLooping, .held, .disabled: 30
        }
    }

    fileprivate var title: String {
        switch self {
        case .starting, .restarting: "Just a moment"
        case .crashLooping, .held, .disabled, .database, .stopping: "Not available right now"
        }
    }

    fileprivate var sentence: String {
        switch self {
        case .starting: "This service is just starting. Please try again in a moment."
        case .restarting: "This service is being restarted. Please try again in a moment."
        case .crashLooping: "This service has a problem and is being repaired. Please try again in a few minutes."
        case .held: "This service is paused for maintenance. Please try again later."
        case .disabled: "This service is switched off."
        case .database: "This service cannot reach its data at the moment. Please try again shortly."
        case .stopping: "This service is being stopped. Please try again later."
        }
    }
}
