// Bodies of messages, for tests.
#pragma once

#include <cstddef>
#include <cstdio>
#include <string>

namespace roundhouse::test {

// No part of it looks like another.
inline std::string distinct(std::size_t size) {
  std::string text;
  while (text.size() < size) text += std::to_string(text.size()) + " ";
  text.resize(size);
  return text;
}

// One chunk of HTTP/1.1.
inline std::string chunk(const std::string& data) {
  char line[32];
  std::snprintf(line, sizeof line, "%zx\r\n", data.size());
  return line + data + "\r\n";
}

}  // namespace roundhouse::test
