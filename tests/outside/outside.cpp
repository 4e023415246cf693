// The header as C++11 sees it: a 1x1 convolution that swaps two channels.
#include <convjit/convjit.h>

#include <cstdio>
#include <vector>

int main()
{
    cj_context *context = nullptr;
    cj_conv_desc desc = cj_conv_desc();
    desc.in_channels = desc.out_channels = 2;
    desc.input[0] = desc.input[1] = 5;
    desc.kernel[0] = desc.kernel[1] = 1;

    const float swap[] = {0, 1, 1, 0};
    std::vector<float> x(50), y(50);
    for (std::size_t i = 0; i < x.size(); i++)
        x[i] = static_cast<float>(i);
    cj_tensors tensors = cj_tensors();
    tensors.output = y.data();
    tensors.input = x.data();
    tensors.weight = swap;

    if (cj_context_create(nullptr, &context) != CJ_OK ||
        cj_conv2d(context, &desc, 1, &tensors, nullptr) != CJ_OK) {
        std::fprintf(stderr, "outside.cpp: %s\n", cj_last_error());
        return 1;
    }
    cj_context_destroy(context);
    for (std::size_t i = 0; i < 25; i++) {
        if (y[i] != x[25 + i] || y[25 + i] != x[i]) {
            std::fprintf(stderr, "outside.cpp: element %zu is wrong\n", i);
            return 1;
        }
    }
    return 0;
}
