// What a request on its way to an upstream is made of, beside the exchange that moves it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "http/failure.h"
#include "http/http1_body.h"
#include "http/http1_response_parser.h"
#include "http/http1_writer.h"
#include "http/message.h"
#include "net/buffer.h"
#include "net/deadline_queue.h"
#include "net/descriptor_allowance.h"
#include "net/event_loop.h"
#include "net/pipe.h"
#include "upstream/cluster.h"

namespace roundhouse::proxy {

// What an exchange needs only while it is in progress; kept for the next one.
struct ExchangeSpace {
  static constexpr std::size_t kRead = 128 * std::size_t{1024};
  // Where a large answer is expected, only its head is to be read: the rest goes through a pipe.
  static constexpr std::size_t kReadOfLarge = 20 * std::size_t{1024};
  static constexpr std::size_t kSend = 32 * std::size_t{1024};
  static constexpr http::HeadLimits kHeadLimits{};  // of an answer

  ExchangeSpace() : parser(kHeadLimits), response(kHeadLimits.fields), body(kHeadLimits.fields) {}

  http::ResponseParser parser;
  http::Response response;
  http::BodyDecoder body;
  std::unique_ptr<Buffer> received;  // what the client has no room for yet, and heads in pieces
  std::unique_ptr<Buffer> unsent;    // what the endpoint has no room for yet
  std::unique_ptr<Pipe> pipe;        // what of a large body is on its way
};

// How it ended, for counters and log. Views are valid during the call.
struct ExchangeResult {
  int status = 0;  // 0: the client left before there was an answer
  http::Failure failure = http::Failure::kNone;
  std::string_view endpoint;  // the last one asked; empty: none
  std::uint32_t tries = 0;
  std::uint64_t body_bytes = 0;
  std::optional<Duration> took;  // from the last request sent to the end of its answer
};

// What the exchanges of one worker share. Outlives them.
struct ExchangeHost {
  EventLoop& loop;
  DeadlineQueue& deadlines;
  DescriptorAllowance* descriptors = nullptr;  // of pipes
  PipePool pipes = PipePool(descriptors);
  std::vector<char> scratch = std::vector<char>(ExchangeSpace::kRead);
  std::vector<http::Field> fields = {};  // of a head that is being sent
  std::vector<std::unique_ptr<ExchangeSpace>> spaces = {};

  std::unique_ptr<ExchangeSpace> acquire();
  void release(std::unique_ptr<ExchangeSpace> space);
};

// The upstream side of one request, for UpstreamExchange.
class RequestSource {
 public:
  virtual ~RequestSource() = default;
  // The head as the endpoint is to get it; the same at each try.
  virtual http::HeadWriter::Outcome write_request(std::span<char> out, std::size_t& size) = 0;
  // Everything of the answer's head but the status line and what Answer adds.
  virtual void write_response(const http::Response& response, const upstream::Endpoint& endpoint,
                              http::HeadWriter& head) = 0;
  // Whether a field behind the request's body goes on, and one behind the answer's. The latter
  // comes after write_response(), when the answer's head is no more.
  virtual bool passes_trailer(const http::Field& field) const = 0;
  virtual bool passes_answer_trailer(const http::Field& field) const = 0;
  // Once, when it is over; the client may be gone.
  virtual void ended(const ExchangeResult& result) = 0;
};

}  // namespace roundhouse::proxy
