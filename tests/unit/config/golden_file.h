// Files of the checkout that a test compares with what the program makes.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "base/file.h"

namespace roundhouse::config {

// From the top of the checkout; the compiler was given this file by its whole path.
inline std::string checkout_path(const std::string& path) {
  const std::filesystem::path here = __FILE__;
  return (here.parent_path().parent_path().parent_path().parent_path() / path).string();
}

inline std::string checkout_file(const std::string& path) {
  const auto content = read_file(checkout_path(path), 1024 * 1024);
  EXPECT_TRUE(content) << content.error().message;
  return content.value_or("");
}

}  // namespace roundhouse::config
