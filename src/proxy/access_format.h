// How a request becomes a line of the access log. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/access_log_options.h"
#include "proxy/access_record.h"
#include "proxy/access_text.h"

namespace roundhouse::proxy {

// When a line is written, as lines say it; made once for many of them.
class AccessTime {
 public:
  // `unix_seconds` is the wall clock. "2026-11-25T22:16:13.123Z", or for combined
  // "25/Nov/2026:22:16:13 +0000".
  void set(double unix_seconds, config::AccessFormat format);
  std::string_view text() const { return {text_.data(), size_}; }

 private:
  std::array<char, 40> text_{};
  std::size_t size_ = 0;
  std::int64_t second_ = -1;
};

class AccessFormatter {
 public:
  // Below PIPE_BUF, so that a pipe takes a line whole.
  static constexpr std::size_t kLineMax = 4095;

  // REQUIRES: the format is not kOff.
  AccessFormatter(const config::AccessLog& options, std::string_view pool, std::uint32_t worker);

  // What is not wanted need not be looked up.
  bool wants(config::AccessField field) const { return wanted_[static_cast<std::size_t>(field)]; }
  config::AccessFormat format() const { return format_; }

  // The bytes of exactly one line, its line feed included, whatever the record holds.
  // REQUIRES: out.size() >= kLineMax and record.connection.
  std::size_t write(const AccessRecord& record, std::string_view time, std::span<char> out) const;

 private:
  struct Column {
    config::AccessField field;
    std::string before;  // "{\"time\":" or " time="
  };

  void write_combined(const AccessRecord& record, std::string_view time, LineText& line) const;
  void write_value(config::AccessField field, const AccessRecord& record, std::string_view time,
                   LineText& line) const;
  void write_text(config::AccessField field, std::string_view text, LineText& line) const;
  void write_url(config::AccessField field, std::string_view url, LineText& line) const;
  void write_nothing(LineText& line) const;

  config::AccessFormat format_;
  std::string pool_;
  std::uint32_t worker_;
  std::vector<Column> columns_;
  std::array<bool, config::kAccessFields> wanted_{};
};

}  // namespace roundhouse::proxy
