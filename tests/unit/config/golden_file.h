// Files of the checkout that a test compares with what the program makes.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "base/file.h"

namespace roundhouse::config {

inline std::string checkout_path(const std::string& path) {
  return ROUNDHOUSE_SOURCE_DIR "/" + path;
}

inline std::string checkout_file(const std::string& path) {
  const auto content = read_file(checkout_path(path), 1024 * 1024);
  EXPECT_TRUE(content) << content.error().message;
  return content.value_or("");
}

}  // namespace roundhouse::config
