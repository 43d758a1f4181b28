#include "cli/bench_output.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <system_error>

#include "bench/roofline.h"
#include "report/output_file.h"

namespace halcyon::cli {
namespace {

std::string format_of(const BenchFiles& files) {
  if (!files.format.empty()) return files.format;
  for (const std::string_view format : bench::kFormats)
    if (files.output.ends_with(fmt::format(".{}", format))) return std::string(format);
  return "table";
}

}  // namespace

BenchOutput::BenchOutput(BenchFiles files, const std::vector<bench::ModelFile>& models)
    : files_(std::move(files)), models_(models), writer_(writer()) {}

std::unique_ptr<bench::Writer> BenchOutput::writer() const {
  return bench::make_writer(format_of(files_), models_, machine_);
}

Result<void> BenchOutput::begin() {
  std::error_code error;  // of a path that does not exist yet: compared as far as it does
  if (!files_.output.empty() && !files_.plot.empty() &&
      std::filesystem::weakly_canonical(files_.output, error) ==
          std::filesystem::weakly_canonical(files_.plot, error))
    return fail("--output and --plot are the same file, {}: give each its own", files_.output);
  return write_files();
}

Result<void> BenchOutput::add(const bench::CaseResult& result) {
  results_.push_back(result);
  if (files_.output.empty()) CHECK_OK(print(writer_->add(result)));
  return write_files();
}

Result<void> BenchOutput::end() { return files_.output.empty() ? print(writer_->finish()) : Result<void>(); }

Result<void> BenchOutput::print(const std::string& text) {
  errno = EIO;
  std::fwrite(text.data(), 1, text.size(), stdout);
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    return fail("cannot write standard output: {}", std::generic_category().message(errno));
  return {};
}

Result<void> BenchOutput::write_files() const {
  if (!files_.output.empty()) {
    const std::unique_ptr<bench::Writer> document = writer();
    std::string text;
    for (const bench::CaseResult& result : results_) text += document->add(result);
    CHECK_OK(report::write_atomically(files_.output, text + document->finish()));
  }
  if (!files_.plot.empty())
    CHECK_OK(report::write_atomically(files_.plot, bench::roofline(results_, models_)));
  return {};
}

}  // namespace halcyon::cli
