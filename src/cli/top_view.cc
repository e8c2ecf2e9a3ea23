#include "cli/top_view.h"

#include <algorithm>
#include <array>
#include <utility>

#include "cli/status_fields.h"
#include "cli/table.h"

namespace roundhouse::cli {
namespace {

std::string in_form(std::optional<double> value, std::string (*form)(double)) {
  return value ? form(*value) : "-";
}

// "3h 12m" takes more room than a table for a terminal has.
std::string narrow_duration(double seconds) {
  const std::string text = short_duration(seconds);
  return text.substr(0, text.find(' '));
}

struct Column {
  std::string_view title;
  std::size_t width;
  int worth;  // those of least worth go first where the terminal is narrow
  Align align = Align::kRight;
};

// All of them take 80.
constexpr std::array kColumns = {
    Column{"WORKER", 16, 9, Align::kLeft},
    Column{"PID", 7, 2},
    Column{"STATE", 11, 8, Align::kLeft},
    Column{"UP", 5, 1},
    Column{"RST", 4, 3},
    Column{"OPEN", 6, 6},
    Column{"REQ/S", 9, 7},
    Column{"CPU%", 5, 5},
    Column{"MEMORY", 9, 4},
};
using Cells = std::array<std::string, kColumns.size()>;

// Which columns fit.
std::array<bool, kColumns.size()> fitting(std::size_t columns) {
  std::array<bool, kColumns.size()> used;
  used.fill(true);
  const auto width = [&] {
    std::size_t all = 0;
    for (std::size_t i = 0; i < used.size(); ++i) all += used[i] ? kColumns[i].width + 1 : 0;
    return all - 1;
  };
  for (int worth = 1; worth < 9 && width() > columns; ++worth) {
    for (std::size_t i = 0; i < used.size(); ++i)
      if (kColumns[i].worth == worth) used[i] = false;
  }
  return used;
}

std::string line_of(const Cells& cells, const std::array<bool, kColumns.size()>& used) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (!used[i]) continue;
    if (i > 0) line += ' ';
    const std::string cell = cells[i].substr(0, kColumns[i].width);
    const std::string padding(kColumns[i].width - cell.size(), ' ');
    line += kColumns[i].align == Align::kRight ? padding + cell : cell + padding;
  }
  line.resize(line.find_last_not_of(' ') + 1);
  return line;
}

}  // namespace

void TopView::update(Json status, double at) {
  const bool has_before = !requests_now_.empty() || !accepted_now_.empty();
  requests_before_ = std::exchange(requests_now_, {});
  accepted_before_ = std::exchange(accepted_now_, {});
  seconds_ = has_before ? at - at_ : 0;
  at_ = at;
  status_ = std::move(status);
  lost_.clear();
  for (const Json& pool : member(status_, "pools")) {
    for (const Json& worker : member(pool, "workers")) {
      if (const auto total = number(member(worker, "requests"), "total"))
        requests_now_[text(pool, "name") + "/" + text(worker, "id")] = *total;
    }
  }
  for (const Json& listener : member(status_, "listeners")) {
    if (const auto total = number(listener, "accepted"))
      accepted_now_[text(listener, "name")] = *total;
  }
  const std::vector<Row> all = rows();
  const bool there = std::ranges::find(all, selected_, &Row::worker) != all.end();
  if (!there) {
    selected_ = all.empty() ? "" : all.front().worker;
    asking_ = false;
  }
}

std::optional<double> TopView::rate(const std::map<std::string, double>& before,
                                    const std::string& name, std::optional<double> total) const {
  const auto found = before.find(name);
  if (!total || found == before.end() || seconds_ <= 0 || *total < found->second)
    return std::nullopt;
  return (*total - found->second) / seconds_;
}

TopView::Row TopView::row_of(const Json& pool, const Json& worker) const {
  Row row;
  row.worker = text(pool, "name") + "/" + text(worker, "id");
  row.pid = text(worker, "pid");
  row.state = is_true(worker, "stalled") ? "stalled" : text(worker, "state");
  row.uptime = number(worker, "uptime_seconds");
  row.restarts = number(worker, "restarts");
  row.open = number(member(worker, "connections"), "active");
  row.requests = rate(requests_before_, row.worker, number(member(worker, "requests"), "total"));
  row.cpu = number(worker, "cpu_percent");
  row.memory = number(worker, "resident_memory_bytes");
  for (const Json& older : member(worker, "older")) {
    Row& beside = row.beside.emplace_back();
    beside.older = true;
    beside.worker = row.worker;
    beside.pid = text(older, "pid");
    beside.state = text(older, "state");
    beside.uptime = number(older, "uptime_seconds");
    beside.open = number(older, "connections");
  }
  return row;
}

std::vector<TopView::Row> TopView::rows() const {
  std::vector<Row> all;
  for (const Json& pool : member(status_, "pools")) {
    for (const Json& worker : member(pool, "workers")) all.push_back(row_of(pool, worker));
  }
  sort(all);
  std::vector<Row> shown;
  for (Row& row : all) {
    const std::vector<Row> beside = std::exchange(row.beside, {});
    shown.push_back(std::move(row));
    shown.insert(shown.end(), beside.begin(), beside.end());
  }
  return shown;
}

// The most first; what cannot be told last.
void TopView::sort(std::vector<Row>& rows) const {
  const auto by = [&](std::optional<double> Row::* value) {
    std::ranges::stable_sort(rows, [&](const Row& one, const Row& other) {
      return (one.*value).value_or(-1) > (other.*value).value_or(-1);
    });
  };
  switch (order_) {
    case Order::kId:
      return;  // as told
    case Order::kCpu:
      return by(&Row::cpu);
    case Order::kMemory:
      return by(&Row::memory);
    case Order::kRequests:
      return by(&Row::requests);
    case Order::kConnections:
      return by(&Row::open);
    case Order::kRestarts:
      return by(&Row::restarts);
  }
}

void TopView::move(int by) {
  std::vector<Row> all = rows();
  std::erase_if(all, [](const Row& row) { return row.older; });
  const auto found = std::ranges::find(all, selected_, &Row::worker);
  if (found == all.end()) return;
  const auto at = std::clamp<std::ptrdiff_t>(found - all.begin() + by, 0, std::ssize(all) - 1);
  selected_ = all[static_cast<std::size_t>(at)].worker;
}

TopView::Act TopView::press(char key) {
  note_.clear();
  if (std::exchange(asking_, false)) {
    if (key == 'y' || key == 'Y') return Act::kRestart;
    note_ = "nothing was restarted";
    return Act::kNone;
  }
  switch (key) {
    case 'q':
      return Act::kQuit;
    case 'r':
      asking_ = !selected_.empty();
      break;
    case 'k':
    case kUp:
      move(-1);
      break;
    case 'j':
    case kDown:
      move(1);
      break;
    case 'i':
      order_ = Order::kId;
      break;
    case 'c':
      order_ = Order::kCpu;
      break;
    case 'm':
      order_ = Order::kMemory;
      break;
    case 's':
      order_ = Order::kRequests;
      break;
    case 'o':
      order_ = Order::kConnections;
      break;
    case 't':
      order_ = Order::kRestarts;
      break;
    default:
      break;
  }
  return Act::kNone;
}

std::vector<std::string> TopView::head() const {
  const Json& edge = member(status_, "edge");
  const bool ready = is_true(status_, "ready");
  const std::string state = is_true(status_, "stopping") ? "STOPPING"
                            : ready                      ? "ready"
                                                         : "NOT READY";
  std::vector<std::string> lines = {"roundhouse " + text(status_, "version") + ", edge " +
                                    text(edge, "pid") + ", up " +
                                    shown(edge, "uptime_seconds", short_duration) + ", " + state};
  for (const Json& pool : member(status_, "pools")) {
    std::string line = "pool " + text(pool, "name") + ": " +
                       shown(member(pool, "states"), "ready", grouped) + " of " +
                       shown(pool, "wanted", grouped) + " ready, " + text(pool, "policy");
    if (const auto fairness = number(pool, "fairness"))
      line += ", fairness " + std::to_string(*fairness).substr(0, 6);
    lines.push_back(std::move(line));
  }
  return lines;
}

std::string TopView::sums(const std::vector<Row>& rows) const {
  std::optional<double> requests, connections, open;
  const auto add = [](std::optional<double>& sum, std::optional<double> value) {
    if (value) sum = sum.value_or(0) + *value;
  };
  for (const Row& row : rows) {
    add(requests, row.requests);
    add(open, row.open);
  }
  for (const Json& listener : member(status_, "listeners"))
    add(connections, rate(accepted_before_, text(listener, "name"), number(listener, "accepted")));
  return in_form(requests, grouped_tenths) + " requests/s, " +
         in_form(connections, grouped_tenths) + " connections/s, " + in_form(open, grouped) +
         " open";
}

std::string TopView::pauses() const {
  std::string line;
  for (const Json& listener : member(status_, "listeners")) {
    if (!member(listener, "paused").is_string()) continue;
    line += (line.empty() ? "PAUSED: " : ", ") + text(listener, "name") + " (" +
            text(listener, "paused") + ")";
  }
  return line;
}

std::string TopView::foot() const {
  if (asking_) return "restart " + selected_ + "? y/n";
  if (!lost_.empty()) return "NO ANSWER, asking again: " + lost_;
  if (!note_.empty()) return note_;
  static constexpr std::array kNames = {"id", "cpu", "memory", "requests", "open", "restarts"};
  return "by " + std::string(kNames[static_cast<std::size_t>(order_)]) +
         " | q quit r restart | c cpu m memory s req/s o open t restarts i id";
}

TopView::Frame TopView::frame(Size size) const {
  const std::vector<Row> all = rows();
  Frame frame;
  frame.lines = head();
  // Workers are what it is for: of many pools the first few are named above them.
  const std::size_t pools_shown = std::max<std::size_t>(size.lines / 4, 1);
  if (frame.lines.size() > 1 + pools_shown) frame.lines.resize(1 + pools_shown);
  frame.lines.push_back(sums(all));
  if (const std::string paused = pauses(); !paused.empty()) frame.lines.push_back(paused);
  const auto used = fitting(size.columns);
  Cells titles;
  for (std::size_t i = 0; i < titles.size(); ++i) titles[i] = kColumns[i].title;
  frame.lines.push_back(line_of(titles, used));
  const std::size_t room =
      size.lines > frame.lines.size() + 1 ? size.lines - frame.lines.size() - 1 : 0;
  const auto selected =
      static_cast<std::size_t>(std::ranges::find(all, selected_, &Row::worker) - all.begin());
  const std::size_t first = selected < room ? 0 : selected - room + 1;
  for (std::size_t i = first; i < std::min(all.size(), first + room); ++i) {
    const Row& row = all[i];
    if (i == selected) frame.highlighted = frame.lines.size();
    frame.lines.push_back(
        line_of({row.worker, row.pid, row.state, in_form(row.uptime, narrow_duration),
                 row.older ? "" : in_form(row.restarts, grouped), in_form(row.open, grouped),
                 row.older ? "" : in_form(row.requests, grouped_tenths),
                 row.older ? "" : in_form(row.cpu, grouped_tenths),
                 row.older ? "" : in_form(row.memory, short_bytes)},
                used));
  }
  if (frame.lines.size() >= size.lines)
    frame.lines.resize(std::max<std::size_t>(size.lines, 1) - 1);
  if (frame.highlighted && *frame.highlighted >= frame.lines.size()) frame.highlighted.reset();
  frame.lines.push_back(foot());
  for (std::string& line : frame.lines) line.resize(std::min(line.size(), size.columns));
  return frame;
}

}  // namespace roundhouse::cli
