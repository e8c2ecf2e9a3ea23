// Text in columns.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace roundhouse::cli {

enum class Align : std::uint8_t { kLeft, kRight };

// Each column is as wide as its widest cell; two blanks between columns, none at the end of a line.
class Table {
 public:
  struct Column {
    std::string_view title;
    Align align = Align::kLeft;
  };
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // REQUIRES: as many cells as columns.
  void add(std::vector<std::string> cells);
  // Every line with `indent` blanks before it.
  std::string text(std::size_t indent) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// What a person reads at a glance: "850ms", "12s", "3h 12m", "41d 2h".
std::string short_duration(double seconds);
// "512B", "12.3MiB".
std::string short_bytes(double bytes);
// "1,234,567".
std::string grouped(double number);
// With one digit after the point: "4,512.3".
std::string grouped_tenths(double number);

}  // namespace roundhouse::cli
