#include "http/field_parser.h"

#include "http/scan.h"

namespace roundhouse::http {
namespace {

Failure why_not_a_name(char stop, bool empty) {
  if (stop == ':') return Failure::kEmptyFieldName;
  if (stop == ' ' || stop == '\t')
    return empty ? Failure::kFoldedField : Failure::kSpaceBeforeColon;
  if (stop == '\n') return Failure::kBareLineFeed;
  return Failure::kBadFieldName;
}

// The value without the white space after it.
std::uint32_t trimmed_size(const char* begin, const char* end) {
  while (end != begin && (end[-1] == ' ' || end[-1] == '\t')) --end;
  return static_cast<std::uint32_t>(end - begin);
}

}  // namespace

Parse FieldParser::parse(std::string_view bytes, std::size_t& position, FieldTable& fields) {
  const char* const base = bytes.data();
  const char* const end = base + bytes.size();
  const char* p = base + position;
  const auto offset = [base](const char* at) { return static_cast<std::uint32_t>(at - base); };
  const auto more = [&] {
    position = static_cast<std::size_t>(p - base);
    return Parse::kMore;
  };
  while (true) {
    switch (state_) {
      case State::kLineStart:
        if (p == end) return more();
        if (*p == '\r') {
          ++p;
          state_ = State::kEndLineFeed;
          continue;
        }
        if (fields.full()) return fail(Failure::kTooManyFields);
        entry_.name_begin = offset(p);
        state_ = State::kName;
        [[fallthrough]];
      case State::kName:
        p = skip_token(p, end);
        if (p == end) return more();
        entry_.name_size = offset(p) - entry_.name_begin;
        if (*p != ':' || entry_.name_size == 0)
          return fail(why_not_a_name(*p, entry_.name_size == 0));
        ++p;
        state_ = State::kBeforeValue;
        [[fallthrough]];
      case State::kBeforeValue:
        while (p != end && (*p == ' ' || *p == '\t')) ++p;
        if (p == end) return more();
        entry_.value_begin = offset(p);
        state_ = State::kValue;
        [[fallthrough]];
      case State::kValue:
        p = skip_value(p, end);
        if (p == end) return more();
        if (*p != '\r') return fail(*p == '\n' ? Failure::kBareLineFeed : Failure::kBadFieldValue);
        entry_.value_size = trimmed_size(base + entry_.value_begin, p);
        ++p;
        state_ = State::kValueLineFeed;
        [[fallthrough]];
      case State::kValueLineFeed:
        if (p == end) return more();
        if (*p != '\n') return fail(Failure::kBareCarriageReturn);
        ++p;
        fields.append(entry_);
        state_ = State::kLineStart;
        continue;
      case State::kEndLineFeed:
        if (p == end) return more();
        if (*p != '\n') return fail(Failure::kBareCarriageReturn);
        ++p;
        more();
        return Parse::kDone;
    }
  }
}

}  // namespace roundhouse::http
