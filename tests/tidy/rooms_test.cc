// Who may include whom: the rooms table of docs/architecture.md, read and held.
#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>

#include "tidy/source_tree.h"

namespace roundhouse::tidy {
namespace {

struct Room {
  int floor = 0;
  std::set<std::string> may_include;
};
using Rooms = std::map<std::string, Room>;

const char kTable[] = "docs/architecture.md";

std::set<std::string> words_of(const std::string& cell) {
  static const std::regex word("[a-z][a-z.]*");
  return {std::sregex_token_iterator(cell.begin(), cell.end(), word), std::sregex_token_iterator()};
}

// Rows "| floor | `room` | may include | the one door to |"; "all" and "nothing of ours" are said
// in words.
Rooms read_rooms() {
  static const std::regex row(R"(\| (\d) \| `([a-z.]+)` \| ([^|]*) \|.*)");
  Rooms rooms;
  std::map<std::string, std::set<std::string>> said;
  for (const std::string& line : split_lines(read(kTable))) {
    std::smatch cells;
    if (!std::regex_match(line, cells, row)) continue;
    rooms[cells[2]].floor = std::stoi(cells[1]);
    said[cells[2]] = words_of(cells[3]);
  }
  for (auto& [name, room] : rooms) {
    for (const auto& [other, unused] : rooms) {
      if (said[name].contains(other) || said[name].contains("all")) room.may_include.insert(other);
    }
  }
  return rooms;
}

std::string room_of_include(const std::string& include) {
  return include.substr(0, include.find('/'));
}

TEST(Rooms, TheTableNamesEveryFolderOfTheSources) {
  const Rooms rooms = read_rooms();
  ASSERT_FALSE(rooms.empty()) << kTable << " has no rooms table";
  for (const SourceFile& file : cpp_files()) {
    EXPECT_TRUE(file.room().empty() || rooms.contains(file.room())) << file.path;
  }
}

TEST(Rooms, ARoomMayIncludeLowerFloorsOnly) {
  const Rooms rooms = read_rooms();
  for (const auto& [name, room] : rooms) {
    for (const std::string& other : room.may_include) {
      if (other == name) continue;
      EXPECT_LT(rooms.at(other).floor, room.floor) << name << " -> " << other;
    }
  }
}

TEST(Rooms, AFileIncludesOnlyWhatItsRoomMay) {
  static const std::regex include(R"re(^\s*#\s*include\s+"([^"]+)")re");
  const Rooms rooms = read_rooms();
  for (const SourceFile& file : cpp_files()) {
    const auto room = rooms.find(file.room());
    if (room == rooms.end()) continue;
    for (const std::string& line : split_lines(file.text)) {
      std::smatch found;
      if (!std::regex_search(line, found, include)) continue;
      const std::string other = room_of_include(found[1]);
      EXPECT_TRUE(other == room->first || room->second.may_include.contains(other))
          << file.path << " includes " << found[1] << ", which the row of " << room->first << " in "
          << kTable << " does not allow";
    }
  }
}

// Invariant 1: the edge never parses the network. Held apart from the table, so that widening a row
// cannot undo it.
TEST(Rooms, TheEdgeReachesNothingThatReadsClientsOrUpstreams) {
  const Rooms rooms = read_rooms();
  ASSERT_TRUE(rooms.contains("edge"));
  for (const char* forbidden : {"http", "upstream", "proxy", "worker", "monitor"}) {
    EXPECT_FALSE(rooms.at("edge").may_include.contains(forbidden)) << forbidden;
    for (const std::string& between : rooms.at("edge").may_include) {
      EXPECT_FALSE(rooms.at(between).may_include.contains(forbidden))
          << "edge -> " << between << " -> " << forbidden;
    }
  }
}

}  // namespace
}  // namespace roundhouse::tidy
