#include "monitor/live.h"

#include "monitor/history_api.h"

namespace roundhouse::monitor {

Json live(const metrics::Snapshot& snapshot, const ipc::HistoryBoard& board, Viewer viewer) {
  Json json = status(snapshot, viewer);
  for (Json& pool : json["pools"]) {
    for (Json& worker : pool["workers"]) {
      Json& exits = worker["exits"];
      while (exits.size() > 1) exits.erase(exits.size() - 1);
      if (!exits.empty()) exits[0].erase("backtrace");
    }
  }
  json["sample"] = newest_sample(board);
  return json;
}

std::string stream_beginning() { return "retry: 2000\n\n"; }

std::string stream_snapshot(const Json& live) {
  return "event: snapshot\ndata: " + to_text(live) + "\n\n";
}

std::string stream_events(const ipc::HistoryBoard& board, std::uint64_t after, Viewer viewer) {
  std::string text;
  for (const ipc::Event& found : board.events(after))
    text += "id: " + std::to_string(found.sequence) +
            "\nevent: event\ndata: " + to_text(event(found, viewer)) + "\n\n";
  return text;
}

}  // namespace roundhouse::monitor
