// The event log: one event a line on stderr. Lifecycle and trouble; never one line per connection
// above `debug`.
//
//   log::warn("worker_exited", "worker 1 (pid 72646) died: SIGKILL", {{"pool", "app"}, {"worker",
//   1}});
//
// `event` is noun_verbed; the sentence is what an operator reads; the fields are what a machine
// reads (glossary words as keys). Peer-supplied text is escaped and cut. Never blocks for long:
// stderr that cannot take a line loses that line, and the loss is counted in log_lines_dropped().
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace roundhouse::log {

enum class Level { kDebug, kInfo, kWarn, kError };
// text: the sentence alone, which says what a reader at a terminal needs. logfmt: time= level=
// event= msg= key=value. json: one object. kAuto: text when stderr is a terminal, logfmt otherwise.
enum class Format { kAuto, kText, kLogfmt, kJson };

class Field {
 public:
  Field(std::string_view key, std::string_view value) : key(key), value(value) {}
  Field(std::string_view key, const char* value) : key(key), value(value) {}
  Field(std::string_view key, const std::string& value) : key(key), value(value) {}
  Field(std::string_view key, std::integral auto number)
      : key(key), value(std::to_string(number)), is_number(true) {}

  std::string_view key;
  std::string value;
  bool is_number = false;
};
using Fields = std::initializer_list<Field>;

// Once, at the start of a process, before the first line. Without it: info, text.
void configure(Level level, Format format);
bool enabled(Level level);

void write(Level level, std::string_view event, std::string_view sentence, Fields fields = {});
inline void debug(std::string_view event, std::string_view sentence, Fields fields = {}) {
  if (enabled(Level::kDebug)) write(Level::kDebug, event, sentence, fields);
}
inline void info(std::string_view event, std::string_view sentence, Fields fields = {}) {
  write(Level::kInfo, event, sentence, fields);
}
inline void warn(std::string_view event, std::string_view sentence, Fields fields = {}) {
  write(Level::kWarn, event, sentence, fields);
}
inline void error(std::string_view event, std::string_view sentence, Fields fields = {}) {
  write(Level::kError, event, sentence, fields);
}

std::uint64_t log_lines_dropped();

// What of a line comes after its time and level, in the given format; the pure part. At most
// kMaxLine bytes.
inline constexpr std::size_t kMaxLine =
    4000;  // with time and level below PIPE_BUF: a pipe takes it whole or not at all
std::string level_text(Format format, Level level);  // before it; none in text
std::string format_payload(Format format, std::string_view event, std::string_view sentence,
                           Fields fields);

}  // namespace roundhouse::log
