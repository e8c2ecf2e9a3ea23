#include "cli/pm2_notes.h"

#include <algorithm>
#include <array>

namespace roundhouse::cli {
namespace {

struct Note {
  std::string_view key;
  std::string_view instead;
};

constexpr std::string_view kOutput =
    "what it prints goes to our own stdout and stderr, and to `roundhouse logs`; send those to a "
    "file, the journal or the container's log";
constexpr std::string_view kNeverGivenUp =
    "nothing is given up here: pauses, then a try every 30 s; see `restart`";
constexpr std::string_view kWatch = "a tool for development, not here; `node --watch` is one";
constexpr std::string_view kOfPm2 = "is about PM2 itself; nothing to do";

constexpr std::array kNotes = {
    Note{"append_env_to_name", kOfPm2},
    Note{"automation", kOfPm2},
    Note{"autorestart",
         "every program that ends is started again, unless its exit code is 125; a "
         "task that ends belongs into a timer or a job"},
    Note{"autostart", "every pool is started; leave the pool out"},
    Note{"combine_logs", kOutput},
    Note{"cron", "there is no timetable; by age it is `recycle: {lifetime: 24h}`"},
    Note{"cron_restart", "there is no timetable; by age it is `recycle: {lifetime: 24h}`"},
    Note{"deep_monitoring", kOfPm2},
    Note{"disable_logs", "what it prints is always passed on; send our stdout elsewhere"},
    Note{"disable_source_map_support", "there is none unless node_args has --enable-source-maps"},
    Note{"disable_trace", kOfPm2},
    Note{"err", kOutput},
    Note{"err_file", kOutput},
    Note{"err_log", kOutput},
    Note{"error", kOutput},
    Note{"error_file", kOutput},
    Note{"event_loop_inspector", kOfPm2},
    Note{"execute_command", kOfPm2},
    Note{"exp_backoff_restart_delay",
         "pauses double from `restart.backoff_min` to `restart.backoff_max`, 5s unless it is set"},
    Note{"filter_env", "a program inherits our whole environment; start us with less"},
    Note{"force", kOfPm2},
    Note{"gid", "the group is that of `user`"},
    Note{"ignore_watch", kWatch},
    Note{"increment_var",
         "all workers share one port; ROUNDHOUSE_WORKER_ID (1..N) and "
         "NODE_APP_INSTANCE (0..N-1) tell them apart"},
    Note{"install_url", kOfPm2},
    Note{"instance_var", "its name is NODE_APP_INSTANCE here"},
    Note{"io", kOfPm2},
    Note{"kill_retry_time", kOfPm2},
    Note{"log", kOutput},
    Note{"log_date_format",
         "lines are passed on as they are; ours have a time with `log: {format: "
         "logfmt}`"},
    Note{"log_file", kOutput},
    Note{"log_type", "lines are passed on as they are; ours are JSON with `log: {format: json}`"},
    Note{"max_restarts", kNeverGivenUp},
    Note{"merge_logs", kOutput},
    Note{"min_uptime", kNeverGivenUp},
    Note{"name_prefix", kOfPm2},
    Note{"namespace", "is not known here; several instances have a control socket each (--socket)"},
    Note{"out", kOutput},
    Note{"out_file", kOutput},
    Note{"out_log", kOutput},
    Note{"output", kOutput},
    Note{"pid", "`roundhouse status --json` has the process ids"},
    Note{"pid_file", "`roundhouse status --json` has the process ids"},
    Note{"pmx", kOfPm2},
    Note{"post_update", kOfPm2},
    Note{"shutdown_with_message", "a Node program gets `disconnect`, others `stop_signal`"},
    Note{"source_map_support", "add --enable-source-maps to the command behind node"},
    Note{"stop_exit_codes", "only exit code 125 means: do not start me again"},
    Note{"time", "lines are passed on as they are; ours have a time with `log: {format: logfmt}`"},
    Note{"trace", kOfPm2},
    Note{"treekill", "what a program has forked ends with it, always"},
    Note{"v8", kOfPm2},
    Note{"vizion", kOfPm2},
    Note{"wait_ready",
         "a Node program is ready when it listens; process.send('ready') is counted "
         "and otherwise ignored"},
    Note{"watch", kWatch},
    Note{"watch_delay", kWatch},
    Note{"watch_options", kWatch},
    Note{"windowsHide", kOfPm2},
    Note{"write", kOfPm2},
};
static_assert(std::ranges::is_sorted(kNotes, {}, &Note::key));

// Where `true` is what PM2 does anyway.
constexpr std::array<std::string_view, 8> kTrueByDefault = {
    "automation",         "autorestart", "autostart", "pmx",
    "source_map_support", "treekill",    "vizion",    "windowsHide"};

}  // namespace

std::string_view pm2_note(std::string_view key, const Json& value) {
  const bool by_default = std::ranges::find(kTrueByDefault, key) != kTrueByDefault.end();
  if (value.is_null() || value == 0 || (value.is_boolean() && value.get<bool>() == by_default))
    return "";
  const auto* const found = std::ranges::lower_bound(kNotes, key, {}, &Note::key);
  if (found == kNotes.end() || found->key != key) return "is not known here; left out";
  return found->instead;
}

}  // namespace roundhouse::cli
