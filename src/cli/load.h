// Opens the model that the user named, or the embedded one, for the commands that run it.
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "backend/backend.h"
#include "base/result.h"
#include "engine/engine.h"
#include "gguf/gguf.h"

namespace halcyon::cli {

struct ModelOptions {
  std::string path;     ///< empty: the embedded model
  int32_t n_ctx = 0;    ///< 0: the model's
  int32_t threads = 0;  ///< 0: all cores
  backend::KvType kv = backend::KvType::f16;
  bool exact = false;
  std::shared_ptr<energy::Ledger> ledger;  ///< prices answers; nullptr: they have no price
};

/// Declares -m, --ctx, --threads and --kv.
void add_model_options(CLI::App& command, ModelOptions& options);

/// The model's file, for messages.
std::string name_of(const ModelOptions& options);

Result<gguf::File> open_model(const ModelOptions& options);
Result<std::unique_ptr<backend::Device>> open_device(const ModelOptions& options);

/// A line on standard error, if that is a terminal, while loading takes longer than the eye notices. It is
/// gone when this object is.
class LoadProgress {
 public:
  LoadProgress();
  ~LoadProgress();
  LoadProgress(const LoadProgress&) = delete;
  LoadProgress& operator=(const LoadProgress&) = delete;

  void show(double fraction);

 private:
  bool terminal_;
  int percent_ = -1;  ///< shown
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

struct LoadedModel {
  std::unique_ptr<backend::Device> device;
  std::unique_ptr<engine::Engine> engine;
  double seconds = 0;  ///< that loading took
};
Result<LoadedModel> load_model(const ModelOptions& options);

}  // namespace halcyon::cli
