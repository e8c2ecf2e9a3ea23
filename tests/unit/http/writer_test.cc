#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <string>

#include "http/http1_writer.h"

namespace roundhouse::http {
namespace {

using namespace std::string_literals;
using Outcome = HeadWriter::Outcome;

TEST(HeadWriter, WritesAResponseHead) {
  std::array<char, 200> buffer;
  HeadWriter writer(buffer);
  writer.status_line(200).field("Content-Length", 5).field("A", "b c").field("Empty", "").end();
  EXPECT_TRUE(writer.ok());
  EXPECT_EQ(writer.text(), "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nA: b c\r\nEmpty: \r\n\r\n");
}

TEST(HeadWriter, WritesARequestHead) {
  std::array<char, 200> buffer;
  HeadWriter writer(buffer);
  writer.request_line("GET", "/a?b").field("Host", "c").end();
  EXPECT_EQ(writer.text(), "GET /a?b HTTP/1.1\r\nHost: c\r\n\r\n");
}

TEST(HeadWriter, RefusesWhateverWouldBreakTheMessage) {
  const auto outcome_of = [](auto&& write) {
    std::array<char, 200> buffer;
    HeadWriter writer(buffer);
    write(writer);
    EXPECT_EQ(writer.size(), 0u);
    writer.end();
    EXPECT_EQ(writer.size(), 0u) << "nothing follows a refusal";
    return writer.outcome();
  };
  for (const std::string& bad :
       {"a\r\nb"s, "a\rb"s, "a\nb"s, "a\0b"s, "a\x7f"s, "a\x01"s, "\r\n"s}) {
    SCOPED_TRACE(testing::PrintToString(bad));
    EXPECT_EQ(outcome_of([&](HeadWriter& w) { w.field("A", bad); }), Outcome::kRefused);
    EXPECT_EQ(outcome_of([&](HeadWriter& w) { w.field(bad, "b"); }), Outcome::kRefused);
    EXPECT_EQ(outcome_of([&](HeadWriter& w) { w.status_line(200, bad); }), Outcome::kRefused);
    EXPECT_EQ(outcome_of([&](HeadWriter& w) { w.request_line(bad, "/"); }), Outcome::kRefused);
    EXPECT_EQ(outcome_of([&](HeadWriter& w) { w.request_line("GET", bad); }), Outcome::kRefused);
  }
  for (const char* bad : {"", "a b", "a:", ":", "(a)"}) {
    EXPECT_EQ(outcome_of([&](HeadWriter& w) { w.field(bad, "b"); }), Outcome::kRefused) << bad;
    EXPECT_EQ(outcome_of([&](HeadWriter& w) { w.request_line(bad, "/"); }), Outcome::kRefused);
  }
  for (const char* bad : {"", "/a b", "/a#b", "/\xc3\xa4"})
    EXPECT_EQ(outcome_of([&](HeadWriter& w) { w.request_line("GET", bad); }), Outcome::kRefused);
  for (const char* bad : {" a", "a ", "\ta", "a\t", " "})
    EXPECT_EQ(outcome_of([&](HeadWriter& w) { w.field("A", bad); }), Outcome::kRefused) << bad;
}

TEST(HeadWriter, WhatDoesNotFitIsNotWrittenInPart) {
  const std::string_view whole = "HTTP/1.1 200 OK\r\nA: b\r\n\r\n";
  std::array<char, 64> buffer;
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    buffer.fill('~');
    HeadWriter writer(std::span<char>(buffer).first(size));
    writer.status_line(200).field("A", "b").end();
    EXPECT_EQ(writer.outcome(), size < whole.size() ? Outcome::kFull : Outcome::kOk) << size;
    EXPECT_TRUE(whole.starts_with(writer.text()));
    EXPECT_TRUE(writer.size() == 0 || writer.text().ends_with('\n'));
    EXPECT_EQ(buffer[size], '~');
  }
}

TEST(HeadWriter, AValueInPiecesIsOneValue) {
  char buffer[64];
  HeadWriter whole(buffer);
  whole.joined_field("A", {"b", "", " c"}).joined_field("D", {});
  EXPECT_EQ(whole.text(), "A: b c\r\nD: \r\n");
  const auto refuses = [&](std::string_view first, std::string_view second,
                           std::string_view third) {
    HeadWriter refused(buffer);
    refused.field("A", "b").joined_field("C", {first, second, third}).field("D", "e");
    EXPECT_EQ(refused.outcome(), HeadWriter::Outcome::kRefused);
    EXPECT_EQ(refused.text(), "A: b\r\n");
  };
  refuses("", " b", "");
  refuses("b", "\t", "");
  refuses("b", "\r\n", "c");
  for (std::size_t room = 0; room < 8; ++room) {
    HeadWriter full({buffer, room});
    full.joined_field("A", {"b", " ", "c"});
    EXPECT_EQ(full.outcome(), HeadWriter::Outcome::kFull) << room;
    EXPECT_EQ(full.text(), "");
  }
}

TEST(HeadWriter, AnUnknownStatusHasAReasonToo) {
  std::array<char, 64> buffer;
  HeadWriter writer(buffer);
  writer.status_line(299);
  EXPECT_EQ(writer.text(), "HTTP/1.1 299 Unknown\r\n");
}

TEST(ChunkLine, IsHexAndCrlf) {
  std::array<char, kChunkLineBytesMax> line;
  const auto text = [&line](std::uint64_t bytes) {
    return std::string(line.data(), write_chunk_line(line, bytes));
  };
  EXPECT_EQ(text(1), "1\r\n");
  EXPECT_EQ(text(0x1a2b), "1a2b\r\n");
  EXPECT_EQ(text(std::numeric_limits<std::uint64_t>::max()), "ffffffffffffffff\r\n");
}

TEST(ChunkLineDeathTest, AnEmptyChunkWouldEndTheBody) {
  std::array<char, kChunkLineBytesMax> line;
  EXPECT_DEATH(write_chunk_line(line, 0), "check_failed");
}

}  // namespace
}  // namespace roundhouse::http
