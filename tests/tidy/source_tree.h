// The checkout as the house rules see it: files as text, with or without comments and literals.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace roundhouse::tidy {

struct SourceFile {
  std::string path;  // from the root of the checkout: "src/base/log.h"
  std::string text;
  std::string code;  // C++ only: `text` with comments, strings and characters blanked, same lines

  bool is_header() const { return path.ends_with(".h"); }
  std::string room() const;  // "base" of "src/base/log.h", "main.cc" of "src/main.cc", else ""
};

// Every file below these folders or files whose name ends in one of `endings`, sorted by path.
std::vector<SourceFile> files_below(const std::vector<std::string>& places,
                                    const std::vector<std::string_view>& endings);
// The C++ of src and tests, read once.
const std::vector<SourceFile>& cpp_files();
// README.md and every document below docs, docker, grafana, conf and tests.
std::vector<SourceFile> documents();

bool exists(const std::string& path);
std::string read(const std::string& path);  // "" if there is none

std::vector<std::string> split_lines(const std::string& text);
std::string blank_comments_and_literals(std::string_view text);

}  // namespace roundhouse::tidy
