// What `roundhouse top` shows and does, without a terminal: statuses of the API and keys in, lines
// out. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace roundhouse::cli {

class TopView {
 public:
  enum class Act : std::uint8_t { kNone, kQuit, kRestart };
  // Keys that are not a character.
  static constexpr char kUp = 1;
  static constexpr char kDown = 2;

  struct Size {
    std::size_t columns = 80;
    std::size_t lines = 24;
  };
  struct Frame {
    std::vector<std::string> lines;          // at most as many, and as long, as the size says
    std::optional<std::size_t> highlighted;  // of these
  };

  // A status that was read at `at`, in seconds of any clock: rates are those since the one before.
  void update(Json status, double at);
  // There was no answer: the last one is shown still, and that it is not new.
  void lost(const std::string& why) { lost_ = why; }
  // Stands there until the next key.
  void note(const std::string& text) { note_ = text; }
  // kRestart: of the worker selected().
  Act press(char key);
  // "app/3"; empty where there is none.
  const std::string& selected() const { return selected_; }
  Frame frame(Size size) const;

 private:
  enum class Order : std::uint8_t { kId, kCpu, kMemory, kRequests, kConnections, kRestarts };
  struct Row {
    std::string worker;       // "app/3"
    std::vector<Row> beside;  // processes of it that drain
    bool older = false;       // is one of those
    std::string pid;
    std::string state;
    std::optional<double> uptime, restarts, open, requests, cpu, memory;
  };

  std::optional<double> rate(const std::map<std::string, double>& before, const std::string& name,
                             std::optional<double> total) const;
  Row row_of(const Json& pool, const Json& worker) const;
  std::vector<Row> rows() const;
  void sort(std::vector<Row>& rows) const;
  void move(int by);
  std::vector<std::string> head() const;
  std::string sums(const std::vector<Row>& rows) const;
  std::string pauses() const;
  std::string foot() const;

  Json status_;
  double seconds_ = 0;  // between it and the one before; 0: there is none
  double at_ = 0;
  std::map<std::string, double> requests_before_;  // by worker
  std::map<std::string, double> accepted_before_;  // by listener
  std::map<std::string, double> requests_now_;
  std::map<std::string, double> accepted_now_;
  Order order_ = Order::kId;
  std::string selected_;
  std::string note_;
  std::string lost_;
  bool asking_ = false;  // whether to restart
};

}  // namespace roundhouse::cli
