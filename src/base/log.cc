#include "base/log.h"

#include <spdlog/details/null_mutex.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <memory>

#include "base/standard_stream.h"

namespace roundhouse::log {
namespace {

std::atomic<std::uint64_t> lines_dropped{0};
Format active_format = Format::kText;

// A line for which there is no room is dropped.
class StderrSink : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    if (stream_.write({line.data(), line.size()}) != line.size())
      lines_dropped.fetch_add(1, std::memory_order_relaxed);
  }
  void flush_() override {}

 private:
  const StandardStream stream_{STDERR_FILENO};
};

spdlog::logger& logger() {
  static spdlog::logger instance("roundhouse", std::make_shared<StderrSink>());
  static const bool prepared = [] {
    instance.set_pattern("%v", spdlog::pattern_time_type::utc);
    instance.set_level(spdlog::level::info);
    return true;
  }();
  static_cast<void>(prepared);
  return instance;
}

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarn:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

const char* pattern(Format format) {
  switch (format) {
    case Format::kJson:
      return R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ",%v})";
    case Format::kLogfmt:
      return "time=%Y-%m-%dT%H:%M:%S.%eZ %v";
    case Format::kAuto:
    case Format::kText:
      break;
  }
  return "%v";
}

// A JSON string, which is also how logfmt quotes: control bytes, quotes and backslashes escaped.
void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte >= 0x7f) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(byte));
      out += escape;
    } else {
      out += c;
    }
  }
  out += '"';
}

bool is_plain(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text) {
    if (c <= ' ' || c >= 0x7f || c == '"' || c == '=' || c == '\\') return false;
  }
  return true;
}

void append_value(std::string& out, std::string_view text) {
  if (is_plain(text)) {
    out += text;
  } else {
    append_quoted(out, text);
  }
}

constexpr std::size_t kMaxText = 512;  // of one value or sentence

std::string_view cut(std::string_view text) { return text.substr(0, kMaxText); }

}  // namespace

std::string level_text(Format format, Level level) {
  static constexpr std::array kNames = {"debug", "info", "warn", "error"};  // as in log.level
  const std::string name = kNames[static_cast<std::size_t>(level)];
  switch (format) {
    case Format::kJson:
      return "\"level\":\"" + name + "\",";
    case Format::kLogfmt:
      return "level=" + name + " ";
    case Format::kAuto:
    case Format::kText:
      break;
  }
  return "";
}

void configure(Level level, Format format) {
  if (format == Format::kAuto)
    format = ::isatty(STDERR_FILENO) != 0 ? Format::kText : Format::kLogfmt;
  active_format = format;
  logger().set_level(to_spdlog(level));
  logger().set_pattern(pattern(format), spdlog::pattern_time_type::utc);
}

bool enabled(Level level) { return logger().should_log(to_spdlog(level)); }

std::uint64_t log_lines_dropped() { return lines_dropped.load(std::memory_order_relaxed); }

void write(Level level, std::string_view event, std::string_view sentence, Fields fields) {
  if (!enabled(level)) return;
  const std::string line =
      level_text(active_format, level) + format_payload(active_format, event, sentence, fields);
  logger().log(to_spdlog(level), spdlog::string_view_t(line));
}

std::string format_payload(Format format, std::string_view event, std::string_view sentence,
                           Fields fields) {
  std::string out;
  if (format == Format::kJson) {
    out = "\"event\":";
    append_quoted(out, event);
    out += ",\"msg\":";
    append_quoted(out, cut(sentence));
  } else if (format == Format::kLogfmt) {
    out.append("event=").append(event).append(" msg=");
    append_quoted(out, cut(sentence));
  } else {
    for (const char c : cut(sentence))
      out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  }
  if (format != Format::kJson && format != Format::kLogfmt) return out;
  for (const Field& field : fields) {
    const std::size_t before = out.size();
    if (format == Format::kJson) {
      out += ',';
      append_quoted(out, field.key);
      out += ':';
      field.is_number ? void(out += field.value) : append_quoted(out, cut(field.value));
    } else {
      out.append(" ").append(field.key).append("=");
      append_value(out, cut(field.value));
    }
    if (out.size() > kMaxLine) {
      out.resize(before);
      break;
    }
  }
  return out;
}

}  // namespace roundhouse::log
