#include "tidy/source_tree.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace roundhouse::tidy {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = ROUNDHOUSE_SOURCE_DIR;

bool has_ending(const std::string& path, const std::vector<std::string_view>& endings) {
  return std::ranges::any_of(endings, [&](std::string_view end) { return path.ends_with(end); });
}

SourceFile load(const fs::path& file) {
  SourceFile source{.path = fs::relative(file, kRoot).string(), .text = {}, .code = {}};
  source.text = read(source.path);
  if (has_ending(source.path, {".h", ".cc", ".def"})) {
    source.code = blank_comments_and_literals(source.text);
  }
  return source;
}

// Where the comment or literal that begins at `at` ends (one past); `at` itself if none begins.
std::size_t end_of_blank(std::string_view text, std::size_t at) {
  const std::string_view rest = text.substr(at);
  const auto after = [&](std::size_t found, std::size_t length) {
    return found == std::string_view::npos ? text.size() : at + found + length;
  };
  if (rest.starts_with("//")) return after(rest.find('\n'), 0);
  if (rest.starts_with("/*")) return after(rest.find("*/", 2), 2);
  if (rest.starts_with("R\"")) {
    const std::size_t open = rest.find('(');
    if (open == std::string_view::npos) return text.size();
    const std::string close = ")" + std::string(rest.substr(2, open - 2)) + "\"";
    return after(rest.find(close, open), close.size());
  }
  const bool digit_separator = rest[0] == '\'' && at > 0 && std::isalnum(text[at - 1]) != 0;
  if ((rest[0] != '"' && rest[0] != '\'') || digit_separator) return at;
  std::size_t end = 1;
  while (end < rest.size() && rest[end] != rest[0] && rest[end] != '\n') {
    end += rest[end] == '\\' ? 2 : 1;
  }
  return std::min(text.size(), at + end + 1);
}

}  // namespace

std::string SourceFile::room() const {
  if (!path.starts_with("src/")) return "";
  const std::string rest = path.substr(4);
  return rest.substr(0, rest.find('/'));
}

std::vector<SourceFile> files_below(const std::vector<std::string>& places,
                                    const std::vector<std::string_view>& endings) {
  std::vector<SourceFile> found;
  for (const std::string& place : places) {
    const fs::path start = kRoot / place;
    if (fs::is_regular_file(start)) found.push_back(load(start));
    if (!fs::is_directory(start)) continue;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(start)) {
      if (entry.is_regular_file() && has_ending(entry.path().string(), endings)) {
        found.push_back(load(entry.path()));
      }
    }
  }
  std::ranges::sort(found, {}, &SourceFile::path);
  return found;
}

const std::vector<SourceFile>& cpp_files() {
  static const std::vector<SourceFile> files = files_below({"src", "tests"}, {".h", ".cc", ".def"});
  return files;
}

std::vector<SourceFile> documents() {
  return files_below({"README.md", "docs", "docker", "grafana", "conf", "tests"}, {".md"});
}

bool exists(const std::string& path) { return fs::exists(kRoot / path); }

std::string read(const std::string& path) {
  std::ifstream in(kRoot / path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<std::string> split_lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string blank_comments_and_literals(std::string_view text) {
  std::string code(text);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = end_of_blank(text, at);
    for (std::size_t i = at; i < end; ++i) {
      if (code[i] != '\n') code[i] = ' ';
    }
    at = std::max(at + 1, end);
  }
  return code;
}

}  // namespace roundhouse::tidy
