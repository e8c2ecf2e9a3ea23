#include "conformance/table.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <sstream>
#include <string_view>

namespace roundhouse::conformance {
namespace {

struct Reader {
  std::string file;
  std::size_t line = 0;
  std::string group = {};
  std::vector<Case> cases = {};

  [[noreturn]] void fail(const std::string& why) const {
    std::cerr << file << ":" << line << ": " << why << "\n";
    std::abort();
  }
  Case& current() {
    if (cases.empty()) fail("no case has begun");
    return cases.back();
  }
};

using Kind = Step::Kind;
using Words = std::istringstream;

std::string rest_of(Words& words) {
  std::string text;
  std::getline(words >> std::ws, text);
  return text;
}

void take_answer(Reader& reader, Words& words) {
  Case& one = reader.current();
  for (std::string word; words >> word;) {
    if (word == "open") {
      one.end = Case::End::kOpen;
    } else if (word == "closed") {
      one.end = Case::End::kClosed;
    } else if (word == "cut") {
      one.end = Case::End::kCut;
    } else {
      one.statuses.push_back(std::atoi(word.c_str()));
      if (one.statuses.back() == 0) reader.fail("not a status: " + word);
    }
  }
}

void take_origin(Reader& reader, Words& words) {
  Case& one = reader.current();
  std::string text = unescape(rest_of(words));
  if (text == "nothing") {
    one.rule = Case::Origin::kNothingWhole;
    return;
  }
  const auto word = [&text] {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string first = text.substr(0, end);
    text.erase(0, end + 1);
    return first;
  };
  Reached reached{.method = word(), .target = word(), .framing = word()};
  reached.body = text;
  one.reached.push_back(reached);
}

void take_await(Reader& reader, Words& words) {
  const std::string what = rest_of(words);
  if (what == "head")
    reader.current().client.push_back({.kind = Kind::kAwaitHead});
  else if (what == "answered")
    reader.current().origin.push_back({.kind = Kind::kAwaitAnswered});
  else if (what == "dropped")
    reader.current().origin.push_back({.kind = Kind::kAwaitDropped});
  else
    reader.current().client.push_back(
        {.kind = Kind::kAwaitStatus, .status = std::atoi(what.c_str())});
}

// Of the client in the table of requests, of the origin in that of responses.
void take_end(Reader& reader, Kind kind) {
  Case& one = reader.current();
  (one.origin.empty() ? one.client : one.origin).push_back({.kind = kind});
}

void take_next(Reader& reader, Words& words) {
  const std::string which = rest_of(words);
  if (which != "same" && which != "new") reader.fail("same or new");
  reader.current().next = which == "same" ? Case::Next::kSame : Case::Next::kNew;
}

using Take = std::function<void(Reader&, Words&)>;
const std::map<std::string, Take> kWords = {
    {"answer", take_answer},
    {"origin", take_origin},
    {"await", take_await},
    {"next", take_next},
    {"bytewise", [](Reader& reader, Words&) { reader.current().bytewise = true; }},
    {"of-head", [](Reader& reader, Words&) { reader.current().of_head = true; }},
    {"at-head", [](Reader& reader, Words&) { reader.current().when = Case::When::kHead; }},
    {"impatient", [](Reader& reader, Words&) { reader.current().impatient = true; }},
    {"half-close", [](Reader& reader, Words&) { take_end(reader, Kind::kHalfClose); }},
    {"close", [](Reader& reader, Words&) { take_end(reader, Kind::kClose); }},
    {"reset", [](Reader& reader, Words&) { take_end(reader, Kind::kReset); }},
    {"has", [](Reader& reader,
               Words& words) { reader.current().has.push_back(unescape(rest_of(words))); }},
    {"lacks",
     [](Reader& reader, Words& words) { reader.current().lacks.push_back(rest_of(words)); }},
    {"hides",
     [](Reader& reader, Words& words) { reader.current().hides.push_back(rest_of(words)); }},
    {"body",
     [](Reader& reader, Words& words) { reader.current().body = unescape(rest_of(words)); }},
    {"cause", [](Reader& reader, Words& words) { reader.current().cause = rest_of(words); }},
    {"choice", [](Reader& reader, Words& words) { reader.current().choice = rest_of(words); }},
};

// "> text" with CRLF, ">> text" without; "<" and "<<" likewise for the origin.
void take_bytes(Reader& reader, const std::string& line) {
  Case& one = reader.current();
  const bool bare = line.size() > 1 && line[1] == line[0];
  const std::size_t begin = std::min(line.size(), bare ? 3UL : 2UL);
  std::string bytes = unescape(line.substr(begin)) + (bare ? "" : "\r\n");
  std::vector<Step>& steps = line[0] == '>' ? one.client : one.origin;
  if (!steps.empty() && steps.back().kind == Kind::kSend)
    steps.back().bytes += bytes;
  else
    steps.push_back({.bytes = std::move(bytes)});
}

void take_line(Reader& reader, const std::string& line) {
  if (line.empty() || line[0] == '#') return;
  if (line.starts_with("== ")) {
    reader.group = line.substr(3);
  } else if (line.starts_with("-- ")) {
    reader.cases.push_back({.group = reader.group,
                            .name = line.substr(3),
                            .where = reader.file + ":" + std::to_string(reader.line)});
  } else if (line[0] == '>' || line[0] == '<') {
    take_bytes(reader, line);
  } else {
    Words words(line);
    std::string first;
    words >> first;
    const auto found = kWords.find(first);
    if (found == kWords.end()) reader.fail("unknown word " + first);
    found->second(reader, words);
  }
}

// The brace that closes the one at `open`.
std::size_t brace_behind(const std::string& text, std::size_t open) {
  int depth = 1;
  std::size_t at = open;
  while (depth > 0 && ++at < text.size()) {
    if (text[at] == '}') --depth;
    if (text[at] == '{') ++depth;
  }
  return at;
}

std::string repeated(const std::string& text) {
  const std::size_t space = text.find(' ');
  const std::string piece = unescape(text.substr(space + 1));
  std::string all;
  for (int left = std::atoi(text.c_str()); left > 0; --left) all += piece;
  return all;
}

}  // namespace

std::string unescape(const std::string& text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      bytes += text[i];
      continue;
    }
    const char c = text[++i];
    if (c == 'x') {
      bytes += static_cast<char>(std::strtoul(text.substr(i + 1, 2).c_str(), nullptr, 16));
      i += 2;
    } else if (c == '{') {
      const std::size_t end = brace_behind(text, i);
      bytes += repeated(text.substr(i + 1, end - i - 1));
      i = end;
    } else {
      constexpr std::string_view kLetters = "rnt0";
      const std::size_t at = kLetters.find(c);
      bytes += at == kLetters.npos ? c : std::string_view("\r\n\t\0", 4)[at];
    }
  }
  return bytes;
}

std::vector<Case> read_table(const std::string& file) {
  std::ifstream in(file);
  Reader reader{.file = file.substr(file.rfind('/') + 1)};
  if (!in) reader.fail("cannot be read");
  for (std::string line; std::getline(in, line);) {
    ++reader.line;
    take_line(reader, line);
  }
  return reader.cases;
}

std::vector<Case> requests() { return read_table(CONFORMANCE_TABLES "/requests.table"); }

std::vector<Case> responses() {
  std::vector<Case> cases = read_table(CONFORMANCE_TABLES "/responses.table");
  for (Case& one : cases) {
    one.of_responses = true;
    if (one.client.empty()) one.client = {{.bytes = "GET /case HTTP/1.1\r\nHost: t\r\n\r\n"}};
  }
  return cases;
}

}  // namespace roundhouse::conformance
