#pragma once
#include <string>

namespace ranks {

/// Registers the op HooklineAllReduce with the TensorFlow that this process has loaded. An empty string, or what is wrong.
///
/// @param framework path of libtensorflow_framework
std::string registerAllReduceOp(const char* framework);

/// Whether the op communicates. It is the identity otherwise, and where no op is to wait for other ranks: while a step is recorded.
void setCommunicates(bool value);

}  // namespace ranks
