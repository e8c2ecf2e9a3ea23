// The one door to yaml-cpp: its events become a Node tree; its exceptions stop here.
#include <yaml-cpp/anchor.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <optional>
#include <sstream>
#include <unordered_map>
#include <utility>

#include "config/document.h"

namespace roundhouse::config {
namespace {

Position position_of(const YAML::Mark& mark) { return {mark.line + 1, mark.column + 1}; }

// What a node adds to the document's size, without its children.
std::size_t own_size(std::string_view text) { return 1 + text.size() / kMaxShortText; }

std::size_t size_of(const Node& node) {
  std::size_t size = own_size(node.text);
  for (const Node& item : node.items) size += size_of(item);
  for (const Entry& entry : node.entries) size += own_size(entry.key) + size_of(entry.value);
  return size;
}

std::size_t depth_of(const Node& node) {
  std::size_t deepest = 0;
  for (const Node& item : node.items) deepest = std::max(deepest, depth_of(item));
  for (const Entry& entry : node.entries) deepest = std::max(deepest, depth_of(entry.value));
  return deepest + 1;
}

// Builds the tree from parser events. After the first problem it ignores the rest: it must not
// throw through yaml-cpp.
class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(Problems& problems) : problems_(problems) {}

  bool failed() const { return failed_; }
  Node take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add({Node::Type::kNull, position_of(mark)}, anchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    const bool plain = tag == "?";
    const bool null = plain && (value == "~" || value == "null");
    add({null ? Node::Type::kNull : Node::Type::kText, position_of(mark), value}, anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (failed_) return;
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) return fail(mark, "an alias inside of what it stands for");
    size_ += size_of(found->second);
    if (open_.size() + depth_of(found->second) > kMaxDocumentDepth) return fail(mark, too_deep());
    add(found->second, YAML::NullAnchor, position_of(mark));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Node::Type::kList, mark, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Node::Type::kMap, mark, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    Node node;
    YAML::anchor_t anchor;
    std::optional<Entry> entry;  // of a map: the key whose value is expected
  };

  static std::string too_deep() {
    return "nested too deeply; expected at most " + std::to_string(kMaxDocumentDepth) + " levels";
  }

  void fail(const YAML::Mark& mark, std::string what) { fail(position_of(mark), std::move(what)); }
  void fail(Position at, std::string what) {
    if (failed_) return;
    failed_ = true;
    problems_.push_back({at, "", std::move(what)});
  }

  void open(Node::Type type, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (failed_) return;
    if (!open_.empty() && open_.back().node.type == Node::Type::kMap && !open_.back().entry) {
      return fail(mark, "a list or map as a key; expected text");
    }
    if (open_.size() >= kMaxDocumentDepth) return fail(mark, too_deep());
    open_.push_back({{type, position_of(mark)}, anchor, std::nullopt});
  }

  void close() {
    if (failed_) return;
    Open finished = std::move(open_.back());
    open_.pop_back();
    add(std::move(finished.node), finished.anchor);
  }

  // `used_at`: where an alias stands for the node.
  void add(Node node, YAML::anchor_t anchor, std::optional<Position> used_at = std::nullopt) {
    if (failed_) return;
    const Position at = used_at.value_or(node.at);
    size_ += own_size(node.text);
    if (size_ > kMaxDocumentSize) {
      return fail(
          at, "too much content; expected at most " + std::to_string(kMaxDocumentSize) + " values");
    }
    if (anchor != YAML::NullAnchor) {
      size_ += size_of(node);
      anchors_.insert_or_assign(anchor, node);
    }
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.type == Node::Type::kList) {
      parent.node.items.push_back(std::move(node));
    } else if (parent.entry) {
      parent.entry->value = std::move(node);
      parent.node.entries.push_back(*std::exchange(parent.entry, std::nullopt));
    } else if (node.type == Node::Type::kText) {
      parent.entry = Entry{std::move(node.text), at, {}};
    } else {
      fail(at, "an empty key; expected text");
    }
  }

  Problems& problems_;
  bool failed_ = false;
  std::size_t size_ = 0;
  std::vector<Open> open_;
  std::unordered_map<YAML::anchor_t, Node> anchors_;
  Node root_;
};

// yaml-cpp takes a quoted text that the end of the file cuts off as if it were closed; before this
// line it does not.
constexpr std::string_view kEndOfDocument = "\n...\n";

std::string_view line_at(std::string_view text, int line) {
  for (; line > 1 && !text.empty(); --line) {
    const auto end = text.find('\n');
    text = end == text.npos ? std::string_view() : text.substr(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

// yaml-cpp's words, or better ones where a tab is the reason: the place is then that of the tab.
Problem syntax_problem(std::string_view text, const YAML::Exception& error) {
  Position at = position_of(error.mark);
  for (int line = at.line; line >= 1 && line >= at.line - 1; --line) {
    const std::string_view content = line_at(text, line);
    const auto first = content.find_first_not_of(' ');
    if (first != content.npos && content[first] == '\t') {
      return {{line, static_cast<int>(first) + 1},
              "",
              "a tab; expected spaces: YAML is not indented with tabs"};
    }
  }
  if (error.msg == YAML::ErrorMsg::DOC_IN_SCALAR) {
    return {at, "", "not valid YAML: a quoted text is not closed"};
  }
  return {at, "", "not valid YAML: " + error.msg};
}

}  // namespace

Node parse_document(std::string_view text, Problems& problems) {
  if (text.size() > kMaxDocumentBytes) {
    problems.push_back({{}, "", "is larger than 1 MiB"});
    return {};
  }
  TreeBuilder builder(problems);
  std::istringstream stream(std::string(text).append(kEndOfDocument));
  try {
    YAML::Parser parser(stream);
    if (parser.HandleNextDocument(builder) && !builder.failed()) {
      TreeBuilder rest(problems);
      if (parser.HandleNextDocument(rest))
        problems.push_back({{}, "", "has a second document; expected one"});
    }
  } catch (const YAML::Exception& error) {
    if (!builder.failed()) problems.push_back(syntax_problem(text, error));
    return {};
  }
  return builder.take();
}

}  // namespace roundhouse::config
