// One case, played on a proxy: what the client saw, what reached the origin, and how that differs
// from what is owed.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "conformance/message.h"
#include "conformance/scripted_origin.h"
#include "conformance/table.h"

namespace roundhouse::conformance {

struct Outcome {
  std::vector<Message> answers;               // of the case's own connection
  std::string rest;                           // what came there and is no whole answer
  bool closed = false;                        // by the proxy
  bool went_on = false;                       // open, and the next request on it got its own answer
  std::vector<ScriptedOrigin::Seen> reached;  // of the case's own requests
  bool released = true;      // no unfinished request still holds a connection to the origin
  Message next;              // what another client's next request got,
  bool next_is_own = false;  // and that it was its own answer
  bool next_on_same_connection = false;
};

// `patience`: for an answer that does not come, and a close.
Outcome play(const Case& one, ScriptedOrigin& origin, const Address& proxy,
             std::chrono::milliseconds patience);

struct Difference {
  enum class Kind : std::uint8_t {
    kReached,     // something else reached the origin
    kFields,      // with other fields
    kNextClient,  // another client was harmed
    kServed,      // served instead of refused, or the other way round; cut, or not
    kManner       // another status, another framing of the same, open or closed
  };
  Kind kind;
  std::string text;
};

std::vector<Difference> judge(const Case& one, const Outcome& outcome);
// "400 closed; nothing reached the origin"
std::string describe(const Case& one, const Outcome& outcome);

}  // namespace roundhouse::conformance
