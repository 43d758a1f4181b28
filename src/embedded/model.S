// The default model as it is on disk, compiled into the program.
        .section .rodata
        .global halcyon_embedded_model_begin
        .global halcyon_embedded_model_end
        .balign 64
halcyon_embedded_model_begin:
        .incbin HALCYON_EMBEDDED_MODEL
halcyon_embedded_model_end:
        .section .note.GNU-stack, "", @progbits
