#include "worker/test_handlers.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <csignal>
#include <optional>
#include <string>

#include "base/clock.h"

namespace roundhouse::worker {
namespace {

constexpr std::uint64_t kWaitMax = 600'000;
constexpr std::uint64_t kBytesMax = 10'000'000'000;
constexpr std::string_view kDone = "done\n";

// The value of a name in "name=value&name=value".
std::optional<std::string_view> find_argument(const http::Request& request, std::string_view name) {
  std::string_view rest = request.query.value_or("");
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    if (pair.starts_with(name) && pair.substr(name.size()).starts_with('='))
      return pair.substr(name.size() + 1);
  }
  return std::nullopt;
}

std::optional<std::uint64_t> find_number(const http::Request& request, std::string_view name) {
  const auto text = find_argument(request, name);
  std::uint64_t number = 0;
  if (!text) return std::nullopt;
  const char* const end = text->data() + text->size();
  const auto parsed = std::from_chars(text->data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return number;
}

struct NamedSignal {
  std::string_view name;
  int number;
};
constexpr std::array<NamedSignal, 7> kSignals = {{{"ABRT", SIGABRT},
                                                  {"BUS", SIGBUS},
                                                  {"FPE", SIGFPE},
                                                  {"ILL", SIGILL},
                                                  {"KILL", SIGKILL},
                                                  {"SEGV", SIGSEGV},
                                                  {"TERM", SIGTERM}}};

// Meant, so no sanitizer is asked for its opinion.
__attribute__((noinline, no_sanitize("undefined"), no_sanitize("address"))) void
write_to_nowhere() {
  int* volatile nowhere = nullptr;
  *static_cast<volatile int*>(nowhere) =
      1;  // NOLINT(clang-analyzer-core.NullDereference): on purpose
}

void die(const http::Request& request) {
  if (const auto code = find_number(request, "exit")) ::_exit(static_cast<int>(*code & 0xff));
  const std::string_view name = find_argument(request, "signal").value_or("SEGV");
  const auto* const found = std::ranges::find(kSignals, name, &NamedSignal::name);
  if (found == kSignals.end() || found->number == SIGSEGV)
    write_to_nowhere();
  else
    ::kill(::getpid(), found->number);
}

void answer_done(proxy::Client& client, std::string_view lines) {
  client.answer().respond(200, lines, kDone);
}

class Sleep final : public proxy::Exchange {
 public:
  Sleep(proxy::Client& client, std::string_view lines, Duration time)
      : client_(client), lines_(lines), timer_(client.loop(), [this] { wake(); }) {
    timer_.start_once(time);
  }

 private:
  void wake() {
    answer_done(client_, lines_);
    client_.resume();
  }

  proxy::Client& client_;
  std::string_view lines_;
  Timer timer_;
};

void spin(Duration time) {
  const Time end = Clock::now() + time;
  while (Clock::now() < end) {
  }
}

class Bytes final : public proxy::Exchange {
 public:
  Bytes(proxy::Client& client, std::uint64_t count) : client_(client), left_(count) { on_room(); }

  void on_room() override {
    static const std::string block(4096, 'x');
    std::size_t taken = 1;
    while (left_ > 0 && taken > 0) {
      taken = client_.answer().write(
          std::string_view(block).substr(0, std::min<std::uint64_t>(left_, block.size())));
      left_ -= taken;
    }
    if (left_ == 0) client_.answer().end();
  }

 private:
  proxy::Client& client_;
  std::uint64_t left_;
};

class Echo final : public proxy::Exchange {
 public:
  explicit Echo(proxy::Client& client) : client_(client) {}

  std::size_t on_body(std::string_view data) override { return client_.answer().write(data); }
  bool on_body_end(const http::FieldTable& trailers) override {
    return client_.answer().end(&trailers);
  }

 private:
  proxy::Client& client_;
};

void begin_body(proxy::Client& client, std::string_view lines, http::BodyLength length) {
  client.answer().begin(200).trusted_lines(lines);
  client.answer().begin_body(length);
}

}  // namespace

std::unique_ptr<proxy::Exchange> answer_test_path(proxy::Client& client, std::string_view lines) {
  const http::Request& request = client.request();
  const std::uint64_t wait = std::min(find_number(request, "ms").value_or(0), kWaitMax);
  const std::chrono::milliseconds time(wait);
  if (request.path == "/die") {
    die(request);
    answer_done(client, lines);  // a signal that did not end it
  } else if (request.path == "/sleep") {
    return std::make_unique<Sleep>(client, lines, time);
  } else if (request.path == "/spin") {
    spin(time);
    answer_done(client, lines);
  } else if (request.path == "/bytes") {
    const std::uint64_t count = std::min(find_number(request, "n").value_or(0), kBytesMax);
    begin_body(client, lines, {count == 0 ? http::Framing::kNone : http::Framing::kLength, count});
    return std::make_unique<Bytes>(client, count);
  } else if (request.path == "/echo") {
    client.accept_body();
    begin_body(client, lines, request.body);
    return std::make_unique<Echo>(client);
  }
  return nullptr;
}

}  // namespace roundhouse::worker
