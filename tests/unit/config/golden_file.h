// Files of the checkout that a test compares with what the program makes.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "base/file.h"

namespace roundhouse::config {

// From the top of the checkout. ccache may make __FILE__ relative to the build directory, in whose
// folder tests/ this program is.
inline std::string checkout_path(const std::string& path) {
  namespace fs = std::filesystem;
  const fs::path build = fs::read_symlink("/proc/self/exe").parent_path().parent_path();
  const fs::path here = build / __FILE__;  // an absolute __FILE__ stands alone
  return (here.parent_path() / "../../.." / path).lexically_normal().string();
}

inline std::string checkout_file(const std::string& path) {
  const auto content = read_file(checkout_path(path), 1024 * 1024);
  EXPECT_TRUE(content) << content.error().message;
  return content.value_or("");
}

}  // namespace roundhouse::config
