#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "config/checks.h"
#include "config/option_table.h"
#include "golden_file.h"
#include "world.h"

namespace roundhouse::config {

void PrintTo(const Option& option, std::ostream* out) {  // NOLINT: GoogleTest's name
  *out << option.key;
}

namespace {

// The same for a route, which does something in any case.
std::string route_with(const Option& option, std::string text) {
  if (option.key == "redirect.status") text.insert(text.find('{') + 1, "to: /x, ");
  if (option.key == "respond.body") text.insert(text.find('{') + 1, "status: 200, ");
  const bool acts = option.key.starts_with("redirect.") || option.key.starts_with("respond.");
  if (!acts && option.key != "upstream") text += ", upstream: y";
  return "routes: [{" + text + "}]\nupstreams: {y: '127.0.0.1:80'}";
}

// A file that sets one option, in a configuration that is otherwise right: "pools: {x: {timeouts:
// {drain: 5s}}}".
std::string file_with(const Option& option, const std::string& value) {
  std::string text = std::string(option.key) + ": " + value;
  for (std::size_t dot = text.find('.'); dot != std::string::npos && dot < option.key.size();
       dot = text.find('.', dot)) {
    text.replace(dot, 1, ": {");
    text += '}';
    if (text.find('.') >= text.find(value)) break;
  }
  if (option.section == Section::kConfiguration) return text;
  if (option.section == Section::kListener) {
    if (option.key == "upstream")
      return "listeners: {x: {" + text + ", protocol: tcp}}\nupstreams: {y: '127.0.0.1:80'}";
    return "listeners: {x: {" + text + "}}";
  }
  if (option.section == Section::kRoute) return route_with(option, text);
  if (option.section == Section::kUpstream)
    return "upstreams: {x: {" + text +
           (option.key == "servers" ? "}}" : ", servers: '127.0.0.1:80'}}");
  const bool program = !has_option(PoolType::kHello, option.key) && option.key != "command";
  const bool native = has_option(PoolType::kNative, option.key);
  const std::string type = has_option(PoolType::kNode, option.key) ? "node" : "port";
  return "pools: {x: {" + text + (program ? ", command: ./x" : "") +
         (program && !native ? ", type: " + type : "") + "}}";
}

std::string full_key(const Option& option) {
  const char* const prefix = option.section == Section::kListener   ? "listeners.x."
                             : option.section == Section::kRoute    ? "routes.1."
                             : option.section == Section::kUpstream ? "upstreams.x."
                                                                    : "pools.x.";
  return (option.section == Section::kConfiguration ? "" : prefix) + std::string(option.key);
}

// Values of the right form that are wrong.
std::vector<std::string> wrong_values(const Option& option) {
  switch (option.kind) {
    case Kind::kCount:
    case Kind::kWorkers:
    case Kind::kOptionalCount:
      return {"x", "1.5", "-1", "99999999999999999999", "''", std::to_string(option.most + 1)};
    case Kind::kDuration:
      return {"5",
              "5 s",
              "5days",
              "soon",
              "-1s",
              "99999999999999h",
              format_bound(option, option.most) + "0"};
    case Kind::kPercent:
      return {"x", "20", "-1%", "''", "101%"};
    case Kind::kServers:
      return {"8000", "example.com:80", "'127.0.0.1:0'", "''", "[]", "{address: x}"};
    case Kind::kBytes:
    case Kind::kOptionalBytes:
      return {"x", "16KB", "-1", "1.5MiB", "99999999999999TiB", std::to_string(option.most + 1)};
    case Kind::kSwitch:
      return {"on", "True", "''", "1", "[true]"};
    case Kind::kChoice:
      return {"nonsense", "''", "RR"};
    case Kind::kText:
    case Kind::kPath:
    case Kind::kSocket:
      return {"''", "\"a\\0b\""};
    case Kind::kName:
      return {"Upper", "'a b'", "''"};
    case Kind::kBinds:
    case Kind::kOptionalBind:
      return {"70000", "example.com:80", "'unix:'", "'[::1]'", "''"};
    case Kind::kWords:
      return {"''", "'\"open'", "[]", "[\"a\\0b\"]"};
    case Kind::kTemplate:
      return {"''", "'%{nonsense}'", "'%{host'", "\"a\\nb\""};
    case Kind::kRate:
      return {"100", "0/s", "x/s", "5/0s", "''"};
    case Kind::kMethods:
    case Kind::kFieldNames:
      return {"'a b'", "['']", "[]", "[x, 'y:']"};
    case Kind::kResolvers:
      return {"8.8.8", "'10.0.0.2:0'", "example.com", "53", "'unix:/x'", "[]"};
    case Kind::kHostNames:
      return {"'a b'", "example.com:80", "'[::1]'", "[]", "''"};
    case Kind::kAccessFields:
      return {"nonsense", "['']", "[]", "[status, Status]", "[status, time, status]"};
    case Kind::kCertificates:
      return {"''", "[]", "[{key: x}]", "[{cert: ''}]", "\"a\\0b\""};
    case Kind::kProtocols:
      return {"''", "[]", "'a b'", "['']"};
    case Kind::kNetworks:
      return {"10.0.0.0/33", "example.com", "[]", "10.1.2.3/8"};
    case Kind::kFields:
      return {"{'a b': x}", "{A: [x]}", "{A: \"a\\nb\"}", "{A: '%{nonsense}'}"};
    case Kind::kMatches:
      return {"{'a b': x}", "{A: [x]}", "{A: \"a\\nb\"}"};
    case Kind::kListens:
      return {"{0: web}", "{70000: web}", "{x: web}", "{3000: 'a b'}", "{3000: [web]}"};
    case Kind::kVariables:
      return {"{1A: x}", "{A: [x]}", "{A: \"a\\0b\"}", "{'': x}"};
  }
  return {};
}

class EachOption : public testing::TestWithParam<Option> {};

TEST_P(EachOption, HasTheSameDefaultInTableAndStructure) {
  const Option& option = GetParam();
  Listener listener;
  Pool pool;
  Upstream upstream;
  Route route;
  Configuration configuration;
  void* structure = &configuration;
  if (option.section == Section::kListener) structure = &listener;
  if (option.section == Section::kPool) structure = &pool;
  if (option.section == Section::kUpstream) structure = &upstream;
  if (option.section == Section::kRoute) structure = &route;
  const Items items = option.default_items(option);
  EXPECT_EQ(option.items_of(option, structure), items);
  const bool none = items.empty() || items.front().empty();
  if (none) return;
  EXPECT_TRUE(option.assign(option, items, structure).empty()) << "the default is not accepted";
  EXPECT_EQ(option.items_of(option, structure), items);
}

TEST_P(EachOption, RefusesAnotherTypeAtItsPlace) {
  const Option& option = GetParam();
  const bool takes_map = shape(option.kind) == Shape::kMap;
  for (const std::string& value :
       {std::string(takes_map ? "[a, b]" : "{a: b}"), std::string("~"), std::string("")}) {
    const std::string file = file_with(option, value);
    const std::string errors = errors_of(file);
    EXPECT_NE(errors.find(": " + full_key(option) + ": "), std::string::npos) << file << "\n"
                                                                              << errors;
    EXPECT_NE(errors.find("; expected "), std::string::npos) << errors;
    EXPECT_TRUE(errors.starts_with("t.yaml:1:")) << errors;
  }
}

TEST_P(EachOption, RefusesWrongValuesAtTheirPlace) {
  const Option& option = GetParam();
  for (const std::string& value : wrong_values(option)) {
    const std::string file = file_with(option, value);
    const std::string errors = errors_of(file);
    EXPECT_NE(errors.find(": " + full_key(option)), std::string::npos) << file << "\n" << errors;
    EXPECT_NE(errors.find("; expected "), std::string::npos) << file << "\n" << errors;
    EXPECT_EQ(std::ranges::count(errors, '\n'), 0) << file << "\n" << errors;
  }
}

TEST_P(EachOption, RefusesOneLessThanTheLeast) {
  const Option& option = GetParam();
  if (!is_ranged(option.kind) || option.least == 0) return;
  const std::string less = option.kind == Kind::kDuration ? "0" : std::to_string(option.least - 1);
  const std::string file = file_with(option, less);
  EXPECT_NE(errors_of(file).find("'" + less + "' is out of range; expected " + expectation(option)),
            std::string::npos)
      << errors_of(file);
}

TEST_P(EachOption, SuggestsItselfForATypingError) {
  const Option& option = GetParam();
  std::string file = file_with(option, "1");
  const std::string_view leaf = option.key.substr(option.key.rfind('.') + 1);
  const auto at = file.rfind(std::string(leaf) + ": 1");
  ASSERT_NE(at, std::string::npos) << file;
  file.insert(at + leaf.size(), "x");
  const std::string errors = errors_of(file);
  EXPECT_NE(
      errors.find(full_key(option) + "x: unknown key; did you mean '" + std::string(leaf) + "'?"),
      std::string::npos)
      << file << "\n"
      << errors;
}

std::string name_of_test(const testing::TestParamInfo<Option>& info) {
  std::string name = info.param.section == Section::kListener ? "Listener_" : "Pool_";
  if (info.param.section == Section::kUpstream) name = "Upstream_";
  if (info.param.section == Section::kRoute) name = "Route_";
  if (info.param.section == Section::kConfiguration) name = "Whole_";
  name += info.param.key;
  std::ranges::replace(name, '.', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Options, EachOption, testing::ValuesIn(options().begin(), options().end()),
                         name_of_test);

template <typename E>
void expect_names(Section section, const char* key) {
  const Option* const option = find_option(section, key);
  ASSERT_NE(option, nullptr) << key;
  for (std::size_t i = 0; i < option->choices.size(); ++i)
    EXPECT_EQ(to_string(static_cast<E>(i)), option->choices[i]) << key;
}

TEST(Options, NamesOfEnumsAreThoseOfTheTable) {
  expect_names<Policy>(Section::kPool, "policy");
  expect_names<PoolType>(Section::kPool, "type");
  expect_names<TestHandlers>(Section::kPool, "test_handlers");
  expect_names<Protocol>(Section::kListener, "protocol");
  expect_names<Balance>(Section::kUpstream, "balance");
  expect_names<Probe>(Section::kUpstream, "health.probe");
  expect_names<AccessFormat>(Section::kConfiguration, "log.access.format");
  expect_names<AccessField>(Section::kConfiguration, "log.access.fields");
}

TEST(Options, APolicyThatIsMistypedGetsTheOnesThereAre) {
  EXPECT_EQ(parse_policy("rr_kernel").value(), Policy::kRrKernel);
  EXPECT_EQ(parse_policy("leest").error(),
            "'leest' is not known; expected one of rr, none, least, sticky, rr_kernel; did you "
            "mean 'least'?");
}

}  // namespace

}  // namespace roundhouse::config
