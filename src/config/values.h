// Durations, sizes, numbers and command lines as an operator writes them.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "config/options.h"

namespace roundhouse::config {

// The error completes the sentence "'VALUE' ...".
template <typename T>
using Parsed = std::expected<T, std::string>;

Parsed<std::int64_t> parse_count(std::string_view text);
// 250ms 30s 5m 1h, and 0.
Parsed<Duration> parse_duration(std::string_view text);
// 512B 16KiB 10MiB 1GiB 1TiB; a number alone is bytes.
Parsed<Bytes> parse_bytes(std::string_view text);

// In the largest unit that divides it, so that parsing gives the same value again (durations: whole
// milliseconds).
std::string format_duration(Duration duration);
std::string format_bytes(Bytes bytes);

// "ADDRESS", or "ADDRESS WEIGHT" with a weight from 1 to 1000.
Parsed<Server> parse_server(std::string_view text);
std::string format_server(const Server& server);

// "CERT", or "CERT" and "KEY" with a tab between them.
Parsed<Certificate> parse_certificate(std::string_view text);
std::string format_certificate(const Certificate& certificate);

// "10.0.0.2", "10.0.0.2:53", "fd00::2", "[fd00::2]:53"; the port is 53 without one.
Parsed<Address> parse_name_server(std::string_view text);

// "100/s", "600/m", "5/10s", or "off".
Parsed<Rate> parse_rate(std::string_view text);
std::string format_rate(const Rate& rate);

// As a shell splits a line, without any expansion: words at blanks, '...' literal, "..." with \"
// and \\, and \ before any one character outside quotes.
Parsed<std::vector<std::string>> split_words(std::string_view text);

// [a-z0-9][a-z0-9_-]{0,31}: a pool or a listener.
bool is_valid_name(std::string_view name);
// RFC 9110 5.6.2: a method, or the name of a field or cookie.
bool is_valid_token(std::string_view text);
// What a field's value may hold (RFC 9110 5.5): no control characters but the tab.
bool is_valid_field_value(std::string_view text);
// As it can stand in a request's first line.
bool is_request_path(std::string_view text);
// A name that a name server can be asked for, alone or as NAME:PORT.
bool is_host_name(std::string_view text);
bool is_name_and_port(std::string_view text);
// [A-Za-z_][A-Za-z0-9_]*
bool is_valid_variable_name(std::string_view name);

}  // namespace roundhouse::config
