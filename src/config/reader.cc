#include "config/reader.h"

#include <algorithm>
#include <set>
#include <utility>

#include "config/option_table.h"
#include "config/suggestion.h"
#include "config/values.h"

namespace roundhouse::config {
namespace {

std::string_view name_of(Node::Type type) {
  switch (type) {
    case Node::Type::kNull:
      return "has no value";
    case Node::Type::kText:
      return "is text";
    case Node::Type::kList:
      return "is a list";
    case Node::Type::kMap:
      return "is a map";
  }
  return "is something else";
}

class Reader {
 public:
  Reader(const VariableLookup& lookup, Problems& problems) : lookup_(lookup), problems_(problems) {}

  Reading read(const Node& document);

 private:
  // Text after substitution, with the key and the place to blame for it.
  struct Item {
    std::string text;
    Position at;
    std::string path;
  };
  struct Value {
    std::vector<Item> items;
    bool secret = false;
    bool failed = false;
  };

  template <typename Structure>
  void read_named(const Entry& entry, Section section, std::string_view what,
                  std::vector<Structure>& structures);
  void read_routes(const Entry& entry);
  void read_section(const Node& map, Section section, std::string_view within,
                    const std::string& path, void* structure);
  void read_option(const Option& option, const Entry& entry, const std::string& path,
                   void* structure);
  Value read_items(const Option& option, const Entry& entry, const std::string& path);
  void add_item(const Node& node, Item item, const Option& option, Value& value);
  void add_pair(const Node& map, const std::string& path, const Option& option, Value& value);
  void report_refusal(const Option& option, const Refusal& refusal, const Value& value, Position at,
                      const std::string& path);
  void report_unknown(const Entry& entry, Section section, std::string_view within,
                      const std::string& path);
  // False, and reported, if `node` is neither a map nor nothing.
  bool expect_map(const Entry& entry, const std::string& path, std::string_view expected);
  // Reports each key of the map that is there twice.
  void report_repeated(const Node& map, const std::string& path);

  void report(Position at, std::string key, std::string what) {
    problems_.push_back({at, std::move(key), std::move(what)});
  }

  const VariableLookup& lookup_;
  Problems& problems_;
  Reading reading_;
};

Reading Reader::read(const Node& document) {
  if (document.type == Node::Type::kNull) return std::move(reading_);
  if (document.type != Node::Type::kMap) {
    report(document.at, "",
           std::string(name_of(document.type)) +
               "; expected a map with keys such as listeners and pools");
    return std::move(reading_);
  }
  report_repeated(document, "");
  Node rest{Node::Type::kMap, document.at, {}, {}, {}};
  for (const Entry& entry : document.entries) {
    if (entry.key == "listeners") {
      read_named(entry, Section::kListener, "a listener", reading_.configuration.listeners);
    } else if (entry.key == "pools") {
      read_named(entry, Section::kPool, "a pool", reading_.configuration.pools);
    } else if (entry.key == "routes") {
      read_routes(entry);
    } else if (entry.key == "upstreams") {
      read_named(entry, Section::kUpstream, "an upstream", reading_.configuration.upstreams);
    } else {
      rest.entries.push_back(entry);
    }
  }
  read_section(rest, Section::kConfiguration, "", "", &reading_.configuration);
  return std::move(reading_);
}

template <typename Structure>
void Reader::read_named(const Entry& entry, Section section, std::string_view what,
                        std::vector<Structure>& structures) {
  if (!expect_map(entry, entry.key, "a map of names to " + entry.key)) return;
  if (entry.value.type == Node::Type::kNull) return;
  reading_.provenance[entry.key] = {Source::From::kFile, entry.at, "", false};
  report_repeated(entry.value, entry.key);
  for (const Entry& named : entry.value.entries) {
    const std::string path = joined(entry.key, named.key);
    if (!is_valid_name(named.key)) {
      report(named.at, path,
             "is not a name for " + std::string(what) +
                 "; expected at most 32 of a-z, 0-9, _ and -, the first a letter or a digit");
    }
    if (std::ranges::find(structures, named.key, &Structure::name) != structures.end())
      continue;  // repeated
    Structure structure;
    structure.name = named.key;
    reading_.provenance[path] = {Source::From::kFile, named.at, "", false};
    const bool is_short = section == Section::kUpstream &&
                          (named.value.type == Node::Type::kList ||
                           named.value.type == Node::Type::kText);  // the servers alone
    if (is_short) {
      read_option(*find_option(section, "servers"), named, joined(path, "servers"), &structure);
    } else if (expect_map(named, path, "a map with the keys of " + std::string(what))) {
      report_repeated(named.value, path);
      read_section(named.value, section, "", path, &structure);
    }
    structures.push_back(std::move(structure));
  }
}

// They are a list, and called by their place in it: routes.1, routes.2, ...
void Reader::read_routes(const Entry& entry) {
  reading_.provenance[entry.key] = {Source::From::kFile, entry.at, "", false};
  if (entry.value.type != Node::Type::kList || entry.value.items.empty()) {
    const bool empty = entry.value.type == Node::Type::kList;
    return report(entry.value.type == Node::Type::kNull ? entry.at : entry.value.at, entry.key,
                  std::string(empty ? "is empty" : name_of(entry.value.type)) +
                      "; expected a list of routes");
  }
  for (const Node& item : entry.value.items) {
    Route& route = reading_.configuration.routes.emplace_back();
    const std::string path =
        joined(entry.key, std::to_string(reading_.configuration.routes.size()));
    reading_.provenance[path] = {Source::From::kFile, item.at, "", false};
    if (item.type != Node::Type::kMap) {
      report(item.at, path,
             std::string(name_of(item.type)) + "; expected a map with the keys of a route");
      continue;
    }
    report_repeated(item, path);
    read_section(item, Section::kRoute, "", path, &route);
  }
}

void Reader::read_section(const Node& map, Section section, std::string_view within,
                          const std::string& path, void* structure) {
  for (const Entry& entry : map.entries) {
    const std::string key = joined(within, entry.key);
    const std::string full = joined(path, entry.key);
    if (const Option* option = find_option(section, key)) {
      read_option(*option, entry, full, structure);
    } else if (const Option* on = find_option(section, joined(key, kSwitchKey));
               on != nullptr && entry.value.type == Node::Type::kText) {
      reading_.provenance[full] = {Source::From::kFile, entry.at, "", false};
      read_option(*on, entry, joined(full, kSwitchKey), structure);
    } else if (const auto below = keys_below(section, key); !below.empty()) {
      std::string expected = "a map with the keys ";
      for (const auto& name : below)
        expected += (&name == &below.front() ? "" : ", ") + std::string(name);
      if (!expect_map(entry, full, expected)) continue;
      report_repeated(entry.value, full);
      reading_.provenance[full] = {Source::From::kFile, entry.at, "", false};
      read_section(entry.value, section, key, full, structure);
    } else {
      report_unknown(entry, section, within, full);
    }
  }
}

void Reader::read_option(const Option& option, const Entry& entry, const std::string& path,
                         void* structure) {
  if (reading_.provenance.contains(path)) return;  // repeated, and reported as such
  const Value value = read_items(option, entry, path);
  const Position at = entry.value.type == Node::Type::kNull ? entry.at : entry.value.at;
  Source& source = reading_.provenance[path];
  source = {Source::From::kFile, at, "", value.secret || option.kind == Kind::kVariables,
            value.failed};
  if (value.failed && value.items.empty()) return;
  Items items;
  for (const Item& item : value.items) items.push_back(item.text);
  for (const Refusal& refusal : option.assign(option, items, structure)) {
    report_refusal(option, refusal, value, at, path);
    source.refused = true;
  }
}

Reader::Value Reader::read_items(const Option& option, const Entry& entry,
                                 const std::string& path) {
  Value value;
  const Node& node = entry.value;
  const Shape form = shape(option.kind);
  if (form == Shape::kMap && node.type == Node::Type::kMap) {
    report_repeated(node, path);
    for (const Entry& item : node.entries) {
      add_item(item.value, {item.key + "=", item.at, joined(path, item.key)}, option, value);
    }
  } else if (form == Shape::kList && node.type == Node::Type::kList) {
    for (const Node& item : node.items) {
      const bool is_pair = option.kind == Kind::kServers || option.kind == Kind::kCertificates;
      if (is_pair && item.type == Node::Type::kMap)
        add_pair(item, path, option, value);
      else
        add_item(item, {"", item.at, path}, option, value);
    }
  } else if (form != Shape::kMap && node.type == Node::Type::kText) {
    add_item(node, {"", node.at, path}, option, value);
    if (option.kind != Kind::kWords || value.failed) return value;
    auto words = split_words(value.items.front().text);
    if (!words) {
      report(node.at, path, words.error() + "; expected " + expectation(option));
      value.failed = true;
    }
    value.items.clear();
    if (!words) return value;
    for (std::string& word : *words) value.items.push_back({std::move(word), node.at, path});
  } else {
    const Position at = node.type == Node::Type::kNull ? entry.at : node.at;
    report(at, path, std::string(name_of(node.type)) + "; expected " + expectation(option));
    value.failed = true;
  }
  return value;
}

// `item` comes with what the text is prefixed with.
void Reader::add_item(const Node& node, Item item, const Option& option, Value& value) {
  std::string problem;
  if (node.type != Node::Type::kText) {
    problem = std::string(name_of(node.type)) + "; expected " +
              (shape(option.kind) == Shape::kMap ? "text" : expectation(option));
  } else if (auto substituted = substitute(node.text, lookup_)) {
    item.text += substituted->text;
    value.secret = value.secret || substituted->changed;
  } else {
    problem = substituted.error();
  }
  if (!problem.empty()) {
    report(node.type == Node::Type::kNull ? item.at : node.at, item.path, std::move(problem));
    value.failed = true;
    return;
  }
  value.items.push_back(std::move(item));
}

// {address: 10.0.0.1:80, weight: 3} becomes the item "10.0.0.1:80 3", {cert: a, key: b} "a\tb".
void Reader::add_pair(const Node& map, const std::string& path, const Option& option,
                      Value& value) {
  report_repeated(map, path);
  const bool servers = option.kind == Kind::kServers;
  const std::string_view first_key = servers ? "address" : "cert";
  const std::string_view second_key = servers ? "weight" : "key";
  // Where each was written, for those who look into the files that it names.
  const std::string place = joined(path, std::to_string(value.items.size() + 1));
  Value parts;
  std::string first;
  std::string second;
  for (const Entry& entry : map.entries) {
    if (entry.key != first_key && entry.key != second_key) {
      report(entry.at, joined(path, entry.key),
             servers ? "unknown key; expected address or weight"
                     : "unknown key; expected cert or key");
      value.failed = true;
      continue;
    }
    add_item(entry.value, {"", entry.at, joined(path, entry.key)}, option, parts);
    if (parts.failed) continue;
    (entry.key == first_key ? first : second) = parts.items.back().text;
    if (!servers)
      reading_.provenance[joined(place, entry.key)] = {Source::From::kFile, entry.value.at, "",
                                                       parts.secret};
  }
  value.failed = value.failed || parts.failed;
  value.secret = value.secret || parts.secret;
  if (value.failed) return;
  value.items.push_back(
      {second.empty() ? first : first + (servers ? " " : "\t") + second, map.at, path});
}

void Reader::report_refusal(const Option& option, const Refusal& refusal, const Value& value,
                            Position at, const std::string& path) {
  if (refusal.item >= value.items.size()) {
    return report(at, path, refusal.what + "; expected " + expectation(option));
  }
  const Item& item = value.items[refusal.item];
  if (shape(option.kind) == Shape::kMap) return report(item.at, item.path, refusal.what);
  if (value.secret)
    return report(item.at, path, "*** " + refusal.what + "; expected " + expectation(option));
  report(item.at, path, describe_refusal(option, item.text, refusal.what));
}

void Reader::report_unknown(const Entry& entry, Section section, std::string_view within,
                            const std::string& path) {
  auto known = keys_below(section, within);
  if (section == Section::kConfiguration && within.empty())
    known.insert(known.begin(), {"listeners", "pools", "routes", "upstreams"});
  std::string_view near = nearest(entry.key, known);
  if (near.empty()) {  // the right word in the wrong place
    for (const Option& option : options()) {
      const bool same_leaf = option.key == entry.key || option.key.ends_with("." + entry.key);
      if (option.section == section && same_leaf && near.empty()) near = option.key;
    }
  }
  if (!near.empty())
    return report(entry.at, path, "unknown key; did you mean '" + std::string(near) + "'?");
  std::string expected = "unknown key; expected one of ";
  for (const auto& key : known) expected += (&key == &known.front() ? "" : ", ") + std::string(key);
  report(entry.at, path, expected);
}

bool Reader::expect_map(const Entry& entry, const std::string& path, std::string_view expected) {
  const Node::Type type = entry.value.type;
  if (type == Node::Type::kMap || type == Node::Type::kNull) return true;
  report(entry.value.at, path, std::string(name_of(type)) + "; expected " + std::string(expected));
  return false;
}

void Reader::report_repeated(const Node& map, const std::string& path) {
  std::set<std::string_view> seen;
  for (const Entry& entry : map.entries) {
    if (seen.insert(entry.key).second) continue;
    const auto first = std::ranges::find(map.entries, entry.key, &Entry::key);
    report(entry.at, joined(path, entry.key),
           "is set a second time; expected once, it is already on line " +
               std::to_string(first->at.line));
  }
}

}  // namespace

Reading read_configuration(const Node& document, const VariableLookup& lookup, Problems& problems) {
  Reading reading = Reader(lookup, problems).read(document);
  for (const auto& [key, source] : reading.provenance)
    if (source.secret) reading.configuration.secrets.push_back(key);
  return reading;
}

}  // namespace roundhouse::config
