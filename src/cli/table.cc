#include "cli/table.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "base/check.h"

namespace roundhouse::cli {
namespace {

std::string format(const char* pattern, auto... values) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), pattern, values...);
  return text.data();
}

// "3h 12m": a number of one unit and the rest in the next.
std::string two_units(std::int64_t number, std::int64_t per_unit, const char* unit,
                      const char* next_unit) {
  const std::int64_t rest = number % per_unit;
  const std::string first = std::to_string(number / per_unit) + unit;
  return rest == 0 ? first : first + " " + std::to_string(rest) + next_unit;
}

}  // namespace

void Table::add(std::vector<std::string> cells) {
  CHECK(cells.size() == columns_.size());
  rows_.push_back(std::move(cells));
}

std::string Table::text(std::size_t indent) const {
  std::vector<std::vector<std::string>> lines(1);
  for (const Column& column : columns_) lines.front().emplace_back(column.title);
  lines.insert(lines.end(), rows_.begin(), rows_.end());
  std::string text;
  for (const auto& cells : lines) {
    std::string line(indent, ' ');
    for (std::size_t i = 0; i < cells.size(); ++i) {
      std::size_t width = 0;
      for (const auto& other : lines) width = std::max(width, other[i].size());
      const std::string padding(width - cells[i].size(), ' ');
      if (i > 0) line += "  ";
      line += columns_[i].align == Align::kRight ? padding + cells[i] : cells[i] + padding;
    }
    line.resize(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string short_duration(double seconds) {
  if (!(seconds > 0)) return "0s";
  if (seconds < 1) return format("%.0fms", std::floor(seconds * 1000));
  if (seconds < 10) return format("%.1fs", std::floor(seconds * 10) / 10);
  if (seconds > 1e12) return "ever";
  const auto whole = static_cast<std::int64_t>(seconds);
  if (whole < 60) return std::to_string(whole) + "s";
  if (whole < 3600) return two_units(whole, 60, "m", "s");
  if (whole < 86400) return two_units(whole / 60, 60, "h", "m");
  return two_units(whole / 3600, 24, "d", "h");
}

std::string short_bytes(double bytes) {
  if (bytes < 1024) return format("%.0fB", bytes);
  static constexpr std::array kUnits = {"KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  for (bytes /= 1024; bytes >= 1024 && unit + 1 < kUnits.size(); ++unit) bytes /= 1024;
  return format("%.1f%s", bytes, kUnits[unit]);
}

std::string grouped(double number) {
  std::string digits = format("%.0f", number);
  for (std::size_t at = digits.size(); at > 3 && digits[at - 4] != '-';) {
    at -= 3;
    digits.insert(at, ",");
  }
  return digits;
}

std::string grouped_tenths(double number) {
  const double tenths = std::round(number * 10);
  return grouped(std::trunc(tenths / 10)) +
         format(".%d", static_cast<int>(std::fabs(std::fmod(tenths, 10))));
}

}  // namespace roundhouse::cli
