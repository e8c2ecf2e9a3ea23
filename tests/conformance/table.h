// The tables of raw requests (requests.table) and raw answers (responses.table): what is sent, and
// what is owed. How a table is written is told at its head.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace roundhouse::conformance {

// What the client, or the origin, does one after the other.
struct Step {
  enum class Kind : std::uint8_t {
    kSend,
    kAwaitStatus,    // client: an answer of this status has come
    kAwaitHead,      // client: the head of a request has reached the origin
    kHalfClose,      // client: its side ends
    kAwaitAnswered,  // origin: the client has got a whole answer
    kAwaitDropped,   // origin: the other side has closed
    kClose,
    kReset
  };
  Kind kind = Kind::kSend;
  std::string bytes = {};
  int status = 0;
};

// What is to reach the origin, in this order.
struct Reached {
  std::string method;
  std::string target;
  std::string framing;
  std::string body;
};

struct Case {
  enum class Origin : std::uint8_t { kWholeRequests, kNothingWhole };
  enum class End : std::uint8_t { kOpen, kClosed, kCut };  // of the client's connection
  enum class When : std::uint8_t { kWhole, kHead };        // the origin begins
  enum class Next : std::uint8_t { kEither, kSame, kNew };

  std::string group;
  std::string name;
  std::string where;  // file and line
  std::vector<Step> client;
  bool bytewise = false;  // one byte in a packet
  bool of_head = false;   // the answers are to HEAD
  When when = When::kWhole;
  std::vector<Step> origin;  // empty: it answers 200 with the request's method and target
  bool impatient = false;    // needs a proxy that waits for a short while only

  // Owed.
  std::vector<int> statuses;  // interim ones too
  End end = End::kOpen;
  std::optional<std::string> body;  // of the last answer
  Origin rule = Origin::kWholeRequests;
  std::vector<Reached> reached;
  std::vector<std::string> has;    // field lines: of what reached the origin last, or of the answer
  std::vector<std::string> lacks;  // field names, likewise
  std::vector<std::string> hides;  // text that is in no head, likewise
  Next next = Next::kEither;       // whether the next request comes on the same connection
  std::string cause;               // the row of http::Failure that this shows
  std::string choice;              // why another answer would be right as well; empty: it is not

  // From responses.table: has, lacks and hides are about the answer.
  bool of_responses = false;
};

// Aborts with the place where the table cannot be read.
std::vector<Case> read_table(const std::string& file);

// "\r\n\t\0\\", "\xHH", and "\{9000 text}" for that many times the text.
std::string unescape(const std::string& text);

// Both, from the checkout.
std::vector<Case> requests();
std::vector<Case> responses();

}  // namespace roundhouse::conformance
