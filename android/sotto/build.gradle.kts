// The AAR: generated bindings, the SDK, its Android part, and the native libraries that scripts/build-android made.
plugins {
    id("com.android.library")
    id("org.jetbrains.kotlin.android")
}

val generated = rootDir.resolve("../target")
layout.buildDirectory = generated.resolve("gradle/sotto")

android {
    namespace = "im.sotto"
    compileSdk = 36
    defaultConfig {
        minSdk = 26
        consumerProguardFiles("consumer-rules.pro")
    }
    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }
    sourceSets["main"].apply {
        manifest.srcFile("../sotto-android/src/main/AndroidManifest.xml")
        kotlin.setSrcDirs(
            listOf(generated.resolve("bindings/kotlin"), "src/main/kotlin", "../sotto-android/src/main/kotlin"),
        )
        res.setSrcDirs(listOf("../sotto-android/src/main/res"))
        jniLibs.setSrcDirs(listOf(generated.resolve("jniLibs")))
    }
}

dependencies {
    api("org.jetbrains.kotlinx:kotlinx-coroutines-android:1.11.0")
    implementation("net.java.dev.jna:jna:5.19.1@aar")
}
