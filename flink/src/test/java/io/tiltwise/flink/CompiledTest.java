package io.tiltwise.flink;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tiltwise.wasm.CoreModule;
import java.io.File;
import java.io.FileInputStream;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.shaded.asm9.org.objectweb.asm.ClassReader;
import org.apache.flink.shaded.asm9.org.objectweb.asm.ClassVisitor;
import org.apache.flink.shaded.asm9.org.objectweb.asm.MethodVisitor;
import org.apache.flink.shaded.asm9.org.objectweb.asm.Opcodes;
import org.apache.flink.shaded.asm9.org.objectweb.asm.commons.CodeSizeEvaluator;
import org.junit.jupiter.api.Test;

/** What the build makes of the core: a Java method for each of its functions. */
class CompiledTest {
    /** HotSpot interprets a larger method for ever, ten times slower, and does not say so (HugeMethodLimit). */
    private static final int LIMIT = 8_000;

    @Test
    void no_function_of_the_core_is_too_large_for_the_just_in_time_compiler() throws Exception {
        Path folder = Path.of(CoreModule.class.getProtectionDomain().getCodeSource().getLocation().toURI())
                .resolve("io/tiltwise/wasm");
        List<String> tooLarge = new ArrayList<>();
        int functions = 0;
        for (File file : folder.toFile().listFiles((where, name) -> name.endsWith(".class"))) {
            try (InputStream in = new FileInputStream(file)) {
                functions += look(new ClassReader(in), tooLarge);
            }
        }
        assertTrue(functions > 100, "these are the classes of the core");
        assertTrue(tooLarge.isEmpty(), "put #[inline(never)] on the parts of " + tooLarge);
    }

    /** Returns how many functions of the module the class has. */
    private static int look(ClassReader reader, List<String> tooLarge) {
        int[] functions = {0};
        reader.accept(
                new ClassVisitor(Opcodes.ASM9) {
                    @Override
                    public MethodVisitor visitMethod(
                            int access, String name, String descriptor, String signature, String[] exceptions) {
                        if (!name.startsWith("func_")) {
                            return null;
                        }
                        functions[0]++;
                        return new CodeSizeEvaluator(null) {
                            @Override
                            public void visitEnd() {
                                if (getMinSize() > LIMIT) {
                                    tooLarge.add(name + " (" + getMinSize() + " bytes)");
                                }
                            }
                        };
                    }
                },
                0);
        return functions[0];
    }
}
