#include <gtest/gtest.h>

#include <string>

#include "world.h"

namespace roundhouse::config {
namespace {

const FileCase kCases[] = {
    {"AListenerNamesAPoolThatExists", "listeners: {a: {pool: x}}\npools: {y: {}}",
     "t.yaml:1:23: listeners.a.pool: there is no pool 'x'; expected one of y"},
    {"AListenerNamesItsPoolWhereThereAreSeveral",
     "listeners: {a: {bind: 1}, b: {bind: 2, pool: x}}\npools: {x: {}, y: {}}",
     "t.yaml:1:13: listeners.a: names no pool and there are several; expected `pool` with one of "
     "x, y"},
    {"EveryPoolHasAListener", "listeners: {a: {pool: x}}\npools: {x: {}, y: {}}",
     "t.yaml:2:16: pools.y: no listener or upstream names it; expected a listener with `pool: y`"},
    {"TwoListenersHaveTwoAddresses",
     "listeners: {a: {bind: 127.0.0.1:80}, b: {bind: 127.0.0.1:80}}",
     "t.yaml:1:48: listeners.b.bind: 127.0.0.1:80 is the same as or overlaps 127.0.0.1:80 of "
     "listeners.a.bind; expected "
     "an address of its own"},
    {"EveryInterfaceOverlapsOne", "listeners: {a: {bind: [8000, 127.0.0.1:8000]}}",
     "t.yaml:1:23: listeners.a.bind: 127.0.0.1:8000 is the same as or overlaps [::]:8000 of "
     "listeners.a.bind; expected an "
     "address of its own"},
    {"UnixSocketsAreTheirPath", "listeners: {a: {bind: ['unix:/a', 'unix:/b', 'unix:/a']}}",
     "t.yaml:1:23: listeners.a.bind: unix:/a is the same as or overlaps unix:/a of "
     "listeners.a.bind; expected an address "
     "of its own"},
    {"TheMonitorHasAnAddressOfItsOwn", "listeners: {a: {bind: 9901}}",
     "t.yaml:1:23: listeners.a.bind: [::]:9901 is the same as or overlaps 127.0.0.1:9901 of "
     "monitor.bind; expected an "
     "address of its own"},
    {"TheSamePortOfTwoInterfacesIsFine",
     "listeners: {a: {bind: [127.0.0.1:80, 127.0.0.2:80, '[::1]:80', 81]}}", ""},
    {"AnyPortIsFineTwice",
     "listeners: {a: {bind: [127.0.0.1:0, 127.0.0.1:0]}}\nmonitor: {bind: 127.0.0.1:0}", ""},
    {"NativeNeedsACommand", "pools: {a: {type: native}}",
     "t.yaml:1:9: pools.a: is of type native and has no command; expected `command`"},
    {"NodeNeedsACommand", "pools: {a: {type: node}}",
     "t.yaml:1:9: pools.a: is of type node and has no command; expected `command`"},
    {"NodeDoesNotTellItsConnections", "pools: {a: {type: node, command: node x, policy: least}}",
     "t.yaml:1:50: pools.a.policy: least is not for workers of type node, which do not tell how "
     "many connections they hold; expected rr, sticky, rr_kernel or none"},
    {"BunAndDenoDoNotSpeakNodesProtocol", "pools: {a: {type: node, command: bun x.ts}}",
     "t.yaml:1:19: pools.a.type: node is spoken by Node alone, not by bun; expected type: port, or "
     "no such key"},
    {"NodeHasNoOptionsForWhatItDoesNotTell",
     "pools: {a: {type: node, command: node x, worker_connections: 5}}",
     "t.yaml:1:62: pools.a.worker_connections: looks at what a Node program does not tell; "
     "expected no such key"},
    {"NodeHasNoSignalOfItsOwnToStop", "pools: {a: {type: node, command: node x, stop_signal: INT}}",
     "t.yaml:1:55: pools.a.stop_signal: is nothing that a program of type node can do; expected no "
     "such key"},
    {"ListensAreForNode", "pools: {a: {command: ./x, listen: {3000: web}}}",
     "t.yaml:1:35: pools.a.listen: is for Node programs, and this pool is of type port; expected "
     "type: node, or no such key"},
    {"ListensNameAListenerOfThePool",
     "pools: {a: {type: node, command: node x, listen: {3000: wob}}}",
     "t.yaml:1:50: pools.a.listen: there is no listener 'wob' of this pool; expected one with "
     "`pool: a`"},
    {"NodeUnderPolicyNoneHasOneAddress",
     "listeners: {w: {bind: [127.0.0.1:1, 127.0.0.1:2]}}\n"
     "pools: {a: {type: node, command: node x, policy: none}}",
     "t.yaml:1:23: listeners.w.bind: has several addresses, and a Node program under policy none "
     "accepts from one socket; expected one address, or policy rr"},
    {"NodeMayNameItsListeners",
     "listeners: {w: {pool: a}}\npools: {a: {type: node, command: node x, listen: {3000: w, "
     "/app.sock: w}, liveness: {unanswered: 5s}}}",
     ""},
    {"HelloHasNoCommand", "pools: {a: {type: hello, command: ./x}}",
     "t.yaml:1:35: pools.a.command: is for programs, and this pool is of type hello; expected "
     "`command` without this type, or no such key"},
    {"APoolOfNoTypeIsHello", "pools: {a: {cwd: /tmp}}",
     "t.yaml:1:18: pools.a.cwd: is for programs, and this pool is of type hello; expected "
     "`command` without this type, or no such key"},
    {"ProgramsHaveNoTestHandlers", "pools: {a: {command: ./x, test_handlers: on}}",
     "t.yaml:1:42: pools.a.test_handlers: is for the built-in hello, and this pool is a program; "
     "expected no such key"},
    {"ProgramsDoNotCountAddresses",
     "listeners: {a: {connections_per_address: 5}}\npools: {a: {type: native, command: ./x}}",
     "t.yaml:1:42: listeners.a.connections_per_address: is held by built-in workers, and those of "
     "pool a are a program; expected no such key"},
    {"AnEmptyMapOfPoolsIsNotNoPools", "pools: {}",
     "t.yaml:1:1: pools: is empty; expected at least one, or leave the key out for the default"},
    {"AnEmptyMapOfListenersIsNotNoListeners", "listeners: {}",
     "t.yaml:1:1: listeners: is empty; expected at least one, or leave the key out for the "
     "default"},
    {"KeysWithoutAValueAreAsIfAbsent", "pools:\nlisteners:\nshutdown:\n", ""},
    {"PoolsWithoutAValueHaveDefaults", "pools:\n  a:\nlisteners:\n  b:\n", ""},
    {"TheWorkersOfAllPoolsHaveALimit",
     "pools: {a: {workers: 1024}, b: {workers: 1024}, c: {workers: 1024}, d: {workers: 1024}, e: "
     "{workers: 1}}\n"
     "listeners: {a: {bind: [1], pool: a}, b: {bind: 2, pool: b}, c: {bind: 3, pool: c}, d: {bind: "
     "4, pool: d},\n"
     "  e: {bind: 5, pool: e}}",
     "t.yaml:1:1: pools: have 4097 workers in all; expected at most 4096"},
    {"TheFirstPauseIsNotLongerThanTheLongest", "pools: {a: {restart: {backoff_min: 10s}}}",
     "t.yaml:1:36: pools.a.restart.backoff_min: restart.backoff_min, 10s, is more than "
     "restart.backoff_max, 5s; expected at "
     "most that"},
    {"SuspicionComesBeforeReplacement", "pools: {a: {liveness: {replace: 500ms}}}",
     "t.yaml:1:33: pools.a.liveness.replace: liveness.suspect, 1s, is more than liveness.replace, "
     "500ms; expected at most "
     "that"},
    {"ALineFitsIntoTheHeaders", "listeners: {a: {limits: {headers: 4KiB}}}",
     "t.yaml:1:35: listeners.a.limits.headers: limits.line, 8KiB, is more than limits.headers, "
     "4KiB; expected at most that"},
    {"TheDelayFitsIntoTheDeadline", "shutdown: {delay: 30s}",
     "t.yaml:1:19: shutdown.delay: delay, 30s, is more than deadline, 28s; expected at most that"},
    {"NamesAreShortAndPlain", "pools: {\"a.b\": {}}",
     "t.yaml:1:9: pools.a.b: is not a name for a pool; expected at most 32 of a-z, 0-9, _ and -, "
     "the first a letter or a "
     "digit"},
    {"APoolIsThereOnce", "pools: {a: {workers: 1}, a: {workers: 2}}",
     "t.yaml:1:26: pools.a: is set a second time; expected once, it is already on line 1"},
    {"AKeyIsThereOnce", "pools:\n  a:\n    workers: 1\n    workers: 2\n",
     "t.yaml:4:5: pools.a.workers: is set a second time; expected once, it is already on line 3"},
    {"AVariableIsThereOnce", "pools: {a: {command: x, env: {A: 1, A: 2}}}",
     "t.yaml:1:37: pools.a.env.A: is set a second time; expected once, it is already on line 1"},
    {"WhatIsElsewhereIsSuggestedThere", "pools: {a: {depth: 5}}",
     "t.yaml:1:13: pools.a.depth: unknown key; did you mean 'handoff.depth'?"},
    {"TheCombinedFormatHasItsOwnFields", "log: {access: {format: combined, fields: [status]}}",
     "t.yaml:1:42: log.access.fields: is for json and logfmt, and the format is combined; expected "
     "no such key"},
    {"AFieldOfTheAccessLogIsSuggested", "log: {access: {fields: [status, methd]}}",
     "t.yaml:1:33: log.access.fields: 'methd' is not known; expected one of time, pool, worker, "
     "listener, route, client, peer, method, host, target, path, protocol, status, request_bytes, "
     "response_bytes, duration, upstream, endpoint, upstream_duration, tries, failure, user_agent, "
     "referer, request_id, connection, connection_requests, "
     "tls_version, tls_cipher, tls_server_name, tls_protocol, tls_client, or a list of these; did "
     "you mean "
     "'method'?"},
    {"WhatIsNothingLikeAKeyGetsTheKeys", "log: {zzz: 1}",
     "t.yaml:1:7: log.zzz: unknown key; expected one of level, format, access"},
    {"ControlCharactersAreNotPrinted", "\"a\\x1bb\": 1",
     "t.yaml:1:1: a?b: unknown key; expected one of listeners, pools, routes, upstreams, user, "
     "trusted_proxies, shutdown, monitor, resolver, log"}};

class Check : public testing::TestWithParam<FileCase> {};

TEST_P(Check, IsMade) { EXPECT_EQ(errors_of(GetParam().file), GetParam().errors); }

INSTANTIATE_TEST_SUITE_P(Configuration, Check, testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Checks, ListsHaveLimits) {
  std::string binds = "listeners: {a: {bind: [1";
  for (int i = 2; i <= 17; ++i) binds += ", " + std::to_string(i);
  EXPECT_EQ(errors_of(binds + "]}}"),
            "t.yaml:1:23: listeners.a.bind: has 17 addresses; expected at most 16");
  std::string listeners = "listeners: {";
  for (int i = 1; i <= 65; ++i)
    listeners += "l" + std::to_string(i) + ": {bind: " + std::to_string(i) + "}, ";
  EXPECT_EQ(errors_of(listeners + "}"),
            "t.yaml:1:1: listeners: has 65 entries; expected at most 64");
}

}  // namespace
}  // namespace roundhouse::config
