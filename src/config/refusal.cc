// What an operator is told about a value that was refused.
#include <algorithm>

#include "config/option_table.h"
#include "config/suggestion.h"

namespace roundhouse::config {
namespace {

constexpr std::size_t kMaxShown = 80;  // bytes of a wrong value in a message

}  // namespace

std::string describe_refusal(const Option& option, std::string_view text, std::string_view what) {
  const std::string expected = "; expected " + expectation(option);
  if (option.key == "policy" && text == "rr_kernel")
    return "rr_kernel is not available in this version" + expected;
  std::string result = "'";
  for (const char c : text.substr(0, kMaxShown))
    result += static_cast<unsigned char>(c) < ' ' || c == 127 ? '?' : c;
  result += text.size() > kMaxShown ? "...' " : "' ";
  result += what;
  result += expected;
  const std::string_view near =
      option.kind == Kind::kChoice ? nearest(text, option.choices) : std::string_view();
  return near.empty() ? result : result + "; did you mean '" + std::string(near) + "'?";
}

std::expected<Policy, std::string> parse_policy(std::string_view text) {
  const Option* option = find_option(Section::kPool, "policy");
  const Items items = {std::string(text)};
  Pool pool;
  const Refusals refusals = option->assign(*option, items, &pool);
  if (!refusals.empty()) {
    return std::unexpected(describe_refusal(*option, text, refusals.front().what));
  }
  return pool.policy;
}

}  // namespace roundhouse::config
